//go:build unix

package kafkatest

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// User logs in with Password, by any mechanism. It is also who the client
// certificate names. Without Options.Authorize it may do everything.
const (
	User     = "penstock"
	Password = "sesame-7"
)

// Token is a bearer token of User for OAUTHBEARER, valid for that long from
// now. The broker takes it unsigned, which no broker outside of tests should.
func Token(valid time.Duration) string {
	now := time.Now()
	part := func(format string, args ...any) string {
		return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, format, args...))
	}
	return part(`{"alg":"none"}`) + "." +
		part(`{"sub":%q,"iat":%d,"exp":%d}`, User, now.Unix(), now.Add(valid).Unix()) + "."
}

// addSecurity sets how the listeners know who is there.
func (b *Broker) addSecurity(properties map[string]string) {
	const security = "org.apache.kafka.common.security."
	for _, l := range []Listener{SASLPlaintext, SASLTLS} {
		prefix := "listener.name." + strings.ToLower(string(l)) + "."
		scram := security + "scram.ScramLoginModule required;"
		properties[prefix+"sasl.enabled.mechanisms"] = "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER"
		properties[prefix+"scram-sha-256.sasl.jaas.config"] = scram
		properties[prefix+"scram-sha-512.sasl.jaas.config"] = scram
		properties[prefix+"plain.sasl.jaas.config"] = fmt.Sprintf("%splain.PlainLoginModule required user_%s=%q;", security, User, Password)
		properties[prefix+"oauthbearer.sasl.jaas.config"] = security + `oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`
	}
	properties["listener.name.ssl.ssl.client.auth"] = "required"
	properties["listener.name.sasl_ssl.ssl.client.auth"] = "none"
	properties["ssl.principal.mapping.rules"] = "RULE:^CN=([^,]+).*$/$1/,DEFAULT"
	properties["ssl.keystore.type"] = "PEM"
	properties["ssl.keystore.location"] = b.file("broker.pem")
	properties["ssl.truststore.type"] = "PEM"
	properties["ssl.truststore.location"] = b.CAFile
}
