package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// order is a row: what is in it follows from these two.
type order struct {
	id      int
	version int // how often it was changed
}

var (
	firstNames = strings.Fields(`Anna Ben Carla David Elena Felix Greta Hugo Ines Jonas Katrin Lukas Maria Nils Olga Paul Rosa Simon Tilda Viktor
		Amina Bruno Chiara Dmitri Emeka Fatima Giulia Hiro Irena Joao Kofi Leila Mateo Noor Pedro Ravi Sofia Tomas Yara Zoe`)
	lastNames = strings.Fields(`Adler Becker Costa Dubois Eriksen Fischer Garcia Hansen Ivanova Jansen Kowalski Lindberg Moreau Nowak Okafor Petrov
		Rossi Schmidt Tanaka Ueda Vargas Weber Yilmaz Zimmermann Andersson Bianchi Carvalho Fontaine Horvat Keller Larsen Mueller Novak Popescu Silva`)
	streets = strings.Fields(`Oak Maple Station Church Mill Garden River Hill School Market Bridge Castle Forest Lake Meadow North Park Queen Rose Sun`)
	cities  = strings.Fields(`Springfield Riverside Fairview Greenville Bristol Madison Clinton Georgetown Salem Ashland Dover Milton Oxford Newport
		Burlington Manchester Kingston Lexington Hudson Auburn`)
	states   = strings.Fields(`new paid packed shipped delivered returned cancelled`)
	channels = strings.Fields(`web app phone shop partner`)
	words    = strings.Fields(`the please leave parcel at door with neighbour if nobody is home after five and ring twice customer asked for invoice by
		mail replacement was sent because first one arrived damaged gift wrap in blue paper call before delivery do not bend fragile box
		number changed address confirmed second attempt failed warehouse says item back soon discount applied as agreed on phone thank you
		payment received late fee waived manager approved exchange size medium instead of large colour green wanted later this week only
		mornings entrance behind yard third floor lift out order dog friendly bell does not work use side gate next to bakery`)
)

func pick(random *rand.Rand, from []string) string { return from[random.IntN(len(from))] }

// values are the columns of an order that change with its version.
type values struct {
	updated, status, amount, details, note string
}

// born is when the first order was made. The rows after it are some seconds apart.
var born = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

const moment = "2006-01-02 15:04:05"

// ordered is when the order was made.
func (o order) ordered() time.Time { return born.Add(time.Duration(o.id) * 17 * time.Second) }

// values makes up what changes. What was bought stays; how far it is, what it
// costs and the note are of the version.
func (o order) values() values {
	items := rand.New(rand.NewPCG(uint64(o.id), 1))
	random := rand.New(rand.NewPCG(uint64(o.id), 2+uint64(o.version)))
	var bought strings.Builder
	for i := range 1 + items.IntN(3) {
		if i > 0 {
			bought.WriteString(", ")
		}
		fmt.Fprintf(&bought, `{"sku": "%c%c-%05d", "qty": %d, "price": %d.%02d}`,
			'A'+items.IntN(26), 'A'+items.IntN(26), items.IntN(100_000), 1+items.IntN(4), items.IntN(300), items.IntN(100))
	}
	note := make([]string, 4+random.IntN(12))
	for i := range note {
		// Some words are more frequent than others.
		note[i] = words[min(random.IntN(len(words)), random.IntN(len(words)))]
	}
	return values{
		updated: o.ordered().Add(time.Duration(o.version)*24*time.Hour + time.Duration(random.IntN(86_400))*time.Second).Format(moment),
		status:  pick(random, states), amount: fmt.Sprintf("%d.%02d", random.IntN(1000), random.IntN(100)),
		details: fmt.Sprintf(`{"items": [%s], "channel": "%s", "parcel": "%012d", "express": %v}`,
			bought.String(), pick(items, channels), random.IntN(1e12), random.IntN(5) == 0),
		note: strings.Join(note, " "),
	}
}

// appendValues appends the row as SQL.
func (o order) appendValues(dst []byte) []byte {
	random := rand.New(rand.NewPCG(uint64(o.id), 0))
	first, last, v := pick(random, firstNames), pick(random, lastNames), o.values()
	customer := random.IntN(400_000)
	return fmt.Appendf(dst, "(%d,%d,'%s %s','%s.%s%d@example.com','%d %s Street','%s','%s','%s','%s',%s,'%s','%s')",
		o.id, customer, first, last, strings.ToLower(first), strings.ToLower(last), customer, 1+random.IntN(200), pick(random, streets),
		pick(random, cities), o.ordered().Format(moment), v.updated, v.status, v.amount, v.details, v.note)
}

// appendUpdate appends the statement that makes the row be of this version.
func (o order) appendUpdate(dst []byte) []byte {
	v := o.values()
	return fmt.Appendf(dst, "UPDATE orders SET updated='%s', status='%s', amount=%s, details='%s', note='%s' WHERE id=%d;\n",
		v.updated, v.status, v.amount, v.details, v.note, o.id)
}
