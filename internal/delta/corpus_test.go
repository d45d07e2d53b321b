package delta

import (
	"bytes"
	"fmt"
	"math/rand/v2"
)

// table is a database table as its dumps show it.
type table struct {
	random *rand.Rand
	rows   [][]byte // in the order of the dump
	moves  bool     // an update puts the row elsewhere, as PostgreSQL does
	insert bool     // dumped as INSERT statements, as mariadb-dump does, instead of as COPY
}

// newTable makes a table of n rows of about 150 bytes. The rows depend on the
// arguments only.
func newTable(n int, moves, insert bool) *table {
	t := &table{random: rand.New(rand.NewPCG(1, uint64(n))), moves: moves, insert: insert}
	for id := range n {
		t.rows = append(t.rows, t.row(id))
	}
	return t
}

// row makes a row of an order, half of it easy to compress.
func (t *table) row(id int) []byte {
	states := []string{"new", "paid", "shipped", "returned", "cancelled"}
	words := []string{"lorem ipsum dolor ", "sit amet consectetur ", "adipiscing elit sed "}
	customer := t.random.IntN(200_000)
	fields := fmt.Sprintf("%d\t%d\t2024-01-%02d\t%s\t%d.%02d\tuser%d@example.com\t%d Oak Street\t%016x%016x %s",
		id, customer, 1+id*28/(len(t.rows)+id+1), states[t.random.IntN(len(states))], t.random.IntN(100_000), t.random.IntN(100),
		customer, t.random.IntN(999), t.random.Uint64(), t.random.Uint64(),
		bytes.Repeat([]byte(words[t.random.IntN(len(words))]), t.random.IntN(4)))
	return []byte(fields)
}

// night updates 1 % of the rows at random and inserts 0.2 %.
func (t *table) night() {
	id := func(row []byte) (id int) {
		_, _ = fmt.Sscanf(string(row), "%d", &id)
		return id
	}
	last := len(t.rows)
	var moved [][]byte
	kept := t.rows[:0]
	for _, row := range t.rows {
		switch {
		case t.random.IntN(100) > 0:
			kept = append(kept, row)
		case t.moves:
			moved = append(moved, t.row(id(row)))
		default:
			kept = append(kept, t.row(id(row)))
		}
	}
	t.rows = append(kept, moved...)
	for n := range last / 500 {
		t.rows = append(t.rows, t.row(last+n))
	}
}

// dump writes the table as SQL.
func (t *table) dump() []byte {
	var out bytes.Buffer
	if !t.insert {
		out.WriteString("COPY public.orders (id, customer, created, status, amount, email, address, note) FROM stdin;\n")
		for _, row := range t.rows {
			out.Write(row)
			out.WriteByte('\n')
		}
		out.WriteString("\\.\n")
		return out.Bytes()
	}
	statement := 0
	for _, row := range t.rows {
		if out.Len()-statement > 1<<20 || statement == 0 {
			if statement > 0 {
				out.WriteString(";\n")
			}
			out.WriteString("INSERT INTO `orders` VALUES\n")
			statement = out.Len()
		} else {
			out.WriteString(",\n")
		}
		out.WriteString("('")
		out.Write(bytes.ReplaceAll(row, []byte("\t"), []byte("','")))
		out.WriteString("')")
	}
	out.WriteString(";\n")
	return out.Bytes()
}

// disk makes an image of n bytes and the same with one block of 4 KiB in
// every mebibyte overwritten.
func disk(n int) (first, second []byte) {
	first = noise(7, n)
	second = bytes.Clone(first)
	random := rand.New(rand.NewPCG(3, 4))
	for i := range n >> 20 {
		copy(second[random.IntN(n>>12)<<12:][:4096], noise(uint64(100+i), 4096))
	}
	return first, second
}
