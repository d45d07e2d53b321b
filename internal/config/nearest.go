package config

// nearest returns the word that differs least from a mistyped one, "" if none
// is near. Of equally near words the first is taken.
func nearest(typed string, words []string) string {
	best, at := max(2, len(typed)/3)+1, ""
	for _, word := range words {
		if d := distance(typed, word, best); d < best {
			best, at = d, word
		}
	}
	return at
}

// distance counts the letters to insert, remove, replace or swap with their
// neighbour to get from a to b; it gives up at limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 100 {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
