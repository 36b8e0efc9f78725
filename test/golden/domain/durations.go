// Prints the result of Go's time.ParseDuration for each line of standard input, as JSON.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"time"
)

type vector struct {
	Text        string  `json:"text"`
	Nanoseconds *string `json:"nanoseconds"`
}

func main() {
	vectors := []vector{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var text string
		if err := json.Unmarshal(lines.Bytes(), &text); err != nil {
			panic(err)
		}
		v := vector{Text: text}
		if d, err := time.ParseDuration(text); err == nil {
			ns := json.Number("")
			b, _ := json.Marshal(int64(d))
			ns = json.Number(b)
			s := ns.String()
			v.Nanoseconds = &s
		}
		vectors = append(vectors, v)
	}
	out, _ := json.MarshalIndent(vectors, "", " ")
	os.Stdout.Write(append(out, '\n'))
}
