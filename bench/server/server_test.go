package server

import (
	"strings"
	"testing"
)

func TestReadCounters(t *testing.T) {
	const text = `# HELP minio_api_requests_total Total number of requests
minio_api_requests_total{name="PutObject",server="127.0.0.1:1",type="s3"} 12
minio_api_requests_total{name="GetObject",server="127.0.0.1:1",type="s3"} 3
minio_api_requests_total{name="Heal",server="127.0.0.1:1",type="internode"} 9
minio_api_requests_errors_total{name="GetObject",server="127.0.0.1:1",type="s3"} 1
minio_api_requests_traffic_received_bytes{server="127.0.0.1:1",type="s3"} 1.5e+06
minio_api_requests_traffic_sent_bytes{server="127.0.0.1:1",type="s3"} 70
`
	r, err := readCounters(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if r.Total != 15 || r.ByName["PutObject"] != 12 || r.In != 1_500_000 || r.Out != 70 {
		t.Errorf("counters read as %+v", r)
	}
	d := r.Since(Requests{Total: 5, ByName: map[string]int64{"PutObject": 2, "GetObject": 3}, In: 500_000})
	if d.Total != 10 || len(d.ByName) != 1 || d.ByName["PutObject"] != 10 || d.In != 1_000_000 {
		t.Errorf("difference is %+v", d)
	}
}
