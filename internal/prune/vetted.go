package prune

import (
	"context"
	"slices"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/repo"
)

// mergeGroup is segments that are merged with each other.
type mergeGroup struct {
	inputs []string
	vetted []format.PackName // all packs in them, if all were vetted; else none
}

// mergeable leaves out the segments that a merge would tell less of: those that a
// distrusted maintainer or owner signed, since a merge believes whom such a segment names as author.
func (p *pruner) mergeable(segments []index.SegmentInfo, records *repo.Records) []index.SegmentInfo {
	distrusted := records.Distrusted()
	return slices.DeleteFunc(segments, func(s index.SegmentInfo) bool {
		return distrusted[s.Host] != nil && s.Signature.Signer.Role != format.RoleWriter
	})
}

// apart divides segments into groups, so that those of which all is vetted stay so. Of
// data packs only an owner's word counts: others leave such segments as they are.
func (p *pruner) apart(view *index.View, inputs []string, records *repo.Records) ([]mergeGroup, error) {
	if len(records.Vettings) == 0 {
		return []mergeGroup{{inputs: inputs}}, nil
	}
	known := records.Vetted()
	var vetted, rest mergeGroup
	for _, name := range inputs {
		packs, err := view.PacksOf(name)
		if err != nil {
			return nil, err
		}
		unknown := func(info *format.PackInfo) bool { return !known.Has(name, info.Name) }
		isData := func(info *format.PackInfo) bool { return info.Name.Kind == format.KindData }
		switch {
		case len(packs) == 0 || slices.ContainsFunc(packs, unknown):
			rest.inputs = append(rest.inputs, name)
		case p.repo.Keys().Role() == format.RoleOwner || !slices.ContainsFunc(packs, isData):
			vetted.inputs = append(vetted.inputs, name)
			for _, info := range packs {
				vetted.vetted = append(vetted.vetted, info.Name)
			}
		}
	}
	return slices.DeleteFunc([]mergeGroup{vetted, rest}, func(g mergeGroup) bool { return len(g.inputs) == 0 }), nil
}

// vetMerged passes the vetting of merged segments on to those that replace them: these
// say nothing that those did not say.
func (p *pruner) vetMerged(ctx context.Context, g *mergeGroup, outputs []string) error {
	for packs := range slices.Chunk(g.vetted, repo.VettedPerRecord) {
		record := &format.Record{
			Kind: format.RecordVetting, Time: p.repo.Now().UnixNano(), Session: p.session.Name(),
			VettedPacks: packs, VettedSegments: outputs,
		}
		if _, err := p.repo.WriteRecord(ctx, record); err != nil {
			return err
		}
	}
	return nil
}

// staleVettings returns the vetting records all of whose segments are gone.
func (p *pruner) staleVettings(ctx context.Context, records *repo.Records) ([]string, error) {
	if len(records.Vettings) == 0 {
		return nil, nil
	}
	segments, err := p.repo.SegmentNames(ctx)
	if err != nil {
		return nil, err
	}
	var stale []string
	for i := range records.Vettings {
		v := &records.Vettings[i]
		there := func(name string) bool { return slices.Contains(segments, name) }
		if !slices.ContainsFunc(v.Record.VettedSegments, there) {
			stale = append(stale, v.Name)
		}
	}
	return stale, nil
}
