# The steps themselves are scripts in build/ that run without make as well.

.PHONY: build demo test lint fuzz bench clean

build: ## bin/firn
	build/firn

demo: ## back up and restore real data on a real S3 server, and compare
	go run ./demo

test: ## everything: lint, all tests with the race detector, real S3 servers
	build/test

lint: ## formatting, go vet, staticcheck, builds for other systems
	build/lint

fuzz: ## every fuzz target for TIME (30s)
	build/fuzz $(or $(TIME),30s)

bench: ## the benchmark on MinIO, beside restic and Kopia if installed; ARGS="-runs 1 -corpus small"
	go run ./bench -out bench/results $(ARGS)

clean: ## what build and bench left
	rm -rf bin bench/results
