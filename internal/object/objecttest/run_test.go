package objecttest

import (
	"testing"

	"firn/internal/object"
)

func TestConformanceOfFaultlessFault(t *testing.T) {
	Run(t, func(*testing.T) object.Store { return NewFault(object.NewMem(), 1) })
}

func TestConformanceOfRestricted(t *testing.T) {
	Run(t, func(*testing.T) object.Store { return Restrict(object.NewMem(), object.Capabilities{}) })
}
