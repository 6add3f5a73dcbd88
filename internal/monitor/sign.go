package monitor

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of a post, as the Standard Webhooks specification names them
// (https://github.com/standard-webhooks/standard-webhooks), for which there are
// libraries that verify them.
const (
	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp"
	headerSignature = "webhook-signature"
)

// secretPrefix marks a secret whose rest is a key in base64.
const secretPrefix = "whsec_"

// signingKey is what a secret stands for: the key that whsec_ is followed by in
// base64, or else its own bytes.
func signingKey(secret string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return []byte(secret), nil
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("drift.webhook.secret: what follows %s is not base64: %w", secretPrefix, err)
	}
	return key, nil
}

// sign adds the headers that tell who posts what and when: HMAC-SHA256 over id,
// Unix seconds and body, joined by dots. Without a key there is no signature.
func sign(h http.Header, key []byte, id string, at time.Time, body []byte) {
	seconds := strconv.FormatInt(at.Unix(), 10)
	h.Set(headerID, id)
	h.Set(headerTimestamp, seconds)
	if len(key) == 0 {
		return
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + seconds + "."))
	mac.Write(body)
	h.Set(headerSignature, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
