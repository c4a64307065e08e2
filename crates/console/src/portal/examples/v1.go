package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

func main() {
	body := []byte(`{"ref_id":"115","product":"T1","dest":"089660522887"}`)
	random := make([]byte, 12)
	rand.Read(random)
	now, nonce := fmt.Sprint(time.Now().Unix()), fmt.Sprintf("%x", random)
	mac := hmac.New(sha256.New, []byte(os.Getenv("GERBANG_SECRET")))
	fmt.Fprintf(mac, "v1\n%s\n%s\nPOST\n/v1/purchases\n%x", now, nonce, sha256.Sum256(body))
	ask, _ := http.NewRequest("POST", "{base}/v1/purchases", bytes.NewReader(body))
	ask.Header.Set("content-type", "application/json")
	ask.Header.Set("gerbang-key", os.Getenv("GERBANG_KEY"))
	ask.Header.Set("gerbang-timestamp", now)
	ask.Header.Set("gerbang-nonce", nonce)
	ask.Header.Set("gerbang-signature", fmt.Sprintf("v1=%x", mac.Sum(nil)))
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		panic(err) // send the same ref_id again
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	fmt.Println(string(text))
}
