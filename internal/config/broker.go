package config

// Broker is exactly one of its fields.
type Broker struct {
	Kafka    *Kafka    `key:"kafka" doc:"A Kafka cluster."`
	NATS     *NATS     `key:"nats" doc:"A NATS server with JetStream."`
	Embedded *Embedded `key:"embedded" doc:"A nats-server with JetStream inside this process."`
}

// Kafka says how to reach a Kafka cluster.
type Kafka struct {
	BootstrapServers []string `key:"bootstrap_servers" default:"localhost:9092" commas:"true" doc:"HOST:PORT of some of the cluster's brokers: a list, or one text with commas between, as a variable holds it."`
	ClientID         string   `key:"client_id" default:"penstock" doc:"Name of this client in the brokers' logs and quotas."`
	Rack             string   `key:"rack" doc:"This process's rack or zone, to read from the nearest replica."`
	TLS              *TLS     `key:"tls" doc:"Encrypt the connection; tls: {} trusts the system's roots."`
	SASL             *SASL    `key:"sasl" doc:"Log in."`
}

// NATS says how to reach a NATS server.
type NATS struct {
	URL      string `key:"url" default:"nats://localhost:4222" doc:"Servers, comma-separated."`
	Creds    Path   `key:"creds" doc:"Credentials file."`
	NKeySeed Secret `key:"nkey_seed" doc:"NKey seed, best given as ${VAR}."`
	User     string `key:"user" doc:"User name, with password."`
	Password Secret `key:"password" doc:"Password of user."`
	Token    Secret `key:"token" doc:"Token."`
	TLS      *TLS   `key:"tls" doc:"Encrypt the connection; tls: {} trusts the system's roots."`
}

// Embedded is a nats-server with JetStream inside this process.
type Embedded struct {
	Dir       Path   `key:"dir" default:"./data" doc:"Folder that keeps the streams."`
	Listen    string `key:"listen" doc:"HOST:PORT, such as 127.0.0.1:4222, where others publish and subscribe; empty: nobody else does. Beyond loopback it needs users_file."`
	UsersFile Path   `key:"users_file" doc:"File of the users that listen accepts: the block authorization {users: [...]} of a nats-server configuration."`
	MaxBytes  Bytes  `key:"max_bytes" default:"10GiB" min:"1" doc:"Most bytes that the streams may take on disk; what is published beyond that is refused."`
}

// TLS is a client's side of an encrypted connection. All empty, the system's
// roots are trusted and no client certificate is shown.
type TLS struct {
	CA         Path   `key:"ca" doc:"PEM file of the authorities to trust instead of the system's."`
	Cert       Path   `key:"cert" doc:"PEM file of the client certificate, with key."`
	Key        Path   `key:"key" doc:"PEM file of the client certificate's private key."`
	ServerName string `key:"server_name" doc:"Name that the server's certificate must carry, where it is not the address."`
}

// SASL is a login to Kafka.
type SASL struct {
	Mechanism string `key:"mechanism" default:"scram-sha-512" enum:"plain,scram-sha-256,scram-sha-512,oauthbearer" doc:"How to log in."`
	Username  string `key:"username" doc:"User name; not for oauthbearer."`
	Password  Secret `key:"password" doc:"Password, best given as ${VAR}; not for oauthbearer."`
	TokenFile Path   `key:"token_file" doc:"File of the bearer token, read again at each login; for oauthbearer only."`
}
