package check

import (
	"cmp"
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

	// Seed makes the choice of a percentage: the same packs follow from the same
	// number. ParseReadData draws one.
	Seed uint64
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
		return ReadData{Percent: percent, Seed: rand.Uint64()}, nil
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
	number := func(p *pack) uint64 { return binary.BigEndian.Uint64(p.info.Name.Hash[:]) }
	if d.Of > 0 {
		return slices.DeleteFunc(slices.Clone(packs), func(p *pack) bool { return number(p)%d.Of != d.Part-1 })
	}
	n := int(math.Ceil(float64(len(packs)) * d.Percent / 100))
	// Names are hashes, so that they are in a random order already.
	chosen := slices.SortedFunc(slices.Values(packs), func(a, b *pack) int { return cmp.Compare(number(a)^d.Seed, number(b)^d.Seed) })
	chosen = chosen[:min(n, len(chosen))]
	slices.SortFunc(chosen, func(a, b *pack) int { return a.info.Name.Compare(b.info.Name) })
	return chosen
}
