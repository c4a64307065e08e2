package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
)

func main() {
	q := url.Values{"product": {"T1"}, "dest": {"089660522887"}, "refID": {"114"},
		"memberID": {"{code}"}, "pin": {os.Getenv("PIN")}, "password": {os.Getenv("PASSWORD")}}
	answer, err := http.Get("{base}/trx?" + q.Encode())
	if err != nil {
		panic(err) // send the same refID again
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	fmt.Println(string(text))
}
