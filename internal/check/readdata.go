package check

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// ReadData chooses packs to be read whole. The zero value reads none.
type ReadData struct {
	// Percent of the packs, chosen at random; 100 is all.
	Percent float64
	// Part and Of choose one of Of parts, from 1, by the packs' names: as many
	// checks, each of another part, read everything.
	Part, Of uint64
}

// ParseReadData understands "all", "5%" and "2/7".
func ParseReadData(text string) (ReadData, error) {
	if text == "all" {
		return ReadData{Percent: 100}, nil
	}
	if digits, ok := strings.CutSuffix(text, "%"); ok {
		percent, err := strconv.ParseFloat(digits, 64)
		if err != nil || math.IsNaN(percent) || percent <= 0 || percent > 100 {
			return ReadData{}, fmt.Errorf("%q is not a percentage over 0 and up to 100", text)
		}
		return ReadData{Percent: percent}, nil
	}
	part, of, _ := strings.Cut(text, "/")
	n, err := strconv.ParseUint(part, 10, 32)
	t, tErr := strconv.ParseUint(of, 10, 32)
	if err != nil || tErr != nil || n < 1 || n > t {
		return ReadData{}, fmt.Errorf("%q is none of: all, a percentage such as 5%%, a part such as 2/7", text)
	}
	return ReadData{Part: n, Of: t}, nil
}

// choose returns the packs to read, in order.
func (d ReadData) choose(packs []*pack) []*pack {
	if d.Of > 0 {
		return slices.DeleteFunc(slices.Clone(packs), func(p *pack) bool {
			return binary.BigEndian.Uint64(p.info.Name.Hash[:])%d.Of != d.Part-1
		})
	}
	n := int(math.Ceil(float64(len(packs)) * d.Percent / 100))
	chosen := slices.Clone(packs)
	rand.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
	chosen = chosen[:min(n, len(chosen))]
	slices.SortFunc(chosen, func(a, b *pack) int { return a.info.Name.Compare(b.info.Name) })
	return chosen
}
