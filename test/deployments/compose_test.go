//go:build linux

package deployments

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/penstock/penstock/internal/config"
)

const (
	composeFolder = "deployments/compose"
	composeFile   = composeFolder + "/docker-compose.yml"
	natsFile      = composeFolder + "/nats.conf"
)

func TestCompose(t *testing.T) {
	for _, profile := range []string{"kafka", "nats"} {
		t.Run(profile, func(t *testing.T) {
			pipeline := composeFolder + "/" + profile + ".yaml"
			mistakes := []edit{
				{composeFile, "restart: unless-stopped", "restarts: unless-stopped", "restarts"},
				{composeFile, "stop_grace_period: 40s", "stop_grace_period: 30s", "drain_timeout"},
				{composeFile, "read_only: true", "read_only: false", "read_only"},
				{composeFile, "cap_drop: [ALL]", "cap_drop: [NET_RAW]", "cap_drop"},
				{composeFile, "no-new-privileges:true", "no-new-privileges:false", "new privileges"},
				{composeFile, "PENSTOCK_INSTANCE: penstock", "PENSTOCK_INSTANCES: penstock", "instance is empty"},
				{composeFile, "[run, /etc", "[run, --keep, /etc", "--keep"},
				{composeFile, "./" + profile + ".yaml:", "./nothing.yaml:", "nothing.yaml"},
				{composeFile, "dockerfile: deployments/Dockerfile", "dockerfile: Dockerfile", "Dockerfile"},
				{composeFile, "aliases: [penstock]", "aliases: [penstocks]", "penstock:9464"},
				{composeFile, "prom/prometheus:v3.16.0", "prom/prometheus:latest", "latest"},
				{composeFile, "127.0.0.1:9090:9090", "9090:9090", "9090"},
				{pipeline, "model/fraud.onnx", "model/nothing.onnx", "nothing.onnx"},
				{pipeline, "      - merchant_risk\n", "", "lint"},
				{pipeline, "workers:", "worker:", `"workers"`},
				{pipeline, ":9464", ":9465", "9464"},
			}
			if profile == "kafka" {
				mistakes = append(mistakes,
					edit{composeFile, "--rate, ", "--speed, ", "--speed"},
					edit{composeFile, "events.jsonl", "event.jsonl", "event.jsonl"},
					edit{composeFile, "INSIDE://kafka:19092", "INSIDE://localhost:19092", "advertises"},
					edit{pipeline, "kafka:19092", "kafka:9092", "advertises"})
			} else {
				mistakes = append(mistakes,
					edit{composeFile, ", --subject, transactions.card", "", "choose with --subject"},
					edit{composeFile, "--subject, transactions.card", "--subject, payments.card", "would not be read"},
					edit{composeFile, "./nats.conf:", "./nothing.conf:", "nothing.conf"},
					edit{composeFile, "nats:/data", "nats:/var/lib/nats", "/data"},
					edit{natsFile, "sync_interval: always", "sync_interval: 2m", "sync_interval"},
					edit{natsFile, "port: 4222", "port: 4223", "4223"},
					edit{natsFile, "port:", "prot:", "prot"},
					edit{pipeline, "nats://nats:4222", "nats://nats:4223", "nats:4223"},
					edit{pipeline, "workers: 1", "workers: 2", "filters"})
			}
			holds(t, func(root string) findings { return composed(root, profile) }, mistakes)
		})
	}
}

// composed reads the services of a profile as docker compose does.
func composed(root, profile string) (f findings) {
	file := filepath.Join(root, composeFile)
	content, err := os.ReadFile(file)
	if !f.must(composeFile, err) {
		return f
	}
	project, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir: filepath.Dir(file), ConfigFiles: []types.ConfigFile{{Filename: file, Content: content}},
		Environment: types.Mapping{},
	}, func(o *loader.Options) { o.Profiles, o.ResolvePaths = []string{profile}, true })
	if !f.must(composeFile, err) {
		return f
	}
	runs := 0
	for _, name := range project.ServiceNames() {
		s := project.Services[name]
		published(&f, s)
		if s.Build == nil {
			continue
		}
		hardened(&f, s)
		if p := ours(&f, s); p != nil && s.Command[0] == "run" {
			runs++
			reachable(&f, project, p)
			scraped(&f, root, s, p)
		}
	}
	if runs != 1 {
		f.add("%d services run penstock with profile %s, and not one", runs, profile)
	}
	return f
}

// published complains about images that change and ports that others reach.
func published(f *findings, s types.ServiceConfig) {
	if _, tag, _ := strings.Cut(s.Image, ":"); s.Build == nil && (tag == "" || tag == "latest") {
		f.add("%s: image %s is not pinned: not latest", s.Name, s.Image)
	}
	for _, p := range s.Ports {
		if p.HostIP != "127.0.0.1" {
			f.add("%s: port %s is published beyond this machine", s.Name, p.Published)
		}
	}
}

func hardened(f *findings, s types.ServiceConfig) {
	if !s.ReadOnly {
		f.add("%s: read_only is off", s.Name)
	}
	if !slices.Equal(s.CapDrop, []string{"ALL"}) {
		f.add("%s: cap_drop is %v", s.Name, s.CapDrop)
	}
	if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
		f.add("%s: it may gain new privileges", s.Name)
	}
	if s.Privileged || s.User != "" {
		f.add("%s: it does not run as the image's user", s.Name)
	}
	if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
		f.add("%s: %v", s.Name, err)
	}
}

// ours lays a container of penstock out and looks at its pipeline.
func ours(f *findings, s types.ServiceConfig) *config.Pipeline {
	l, err := newLayout()
	if !f.must("make a folder", err) {
		return nil
	}
	defer l.remove()
	for _, v := range s.Volumes {
		if f.must(s.Name, l.mount(v.Source, v.Target)) && !v.ReadOnly {
			f.add("%s: %s can be written", s.Name, v.Target)
		}
	}
	env := map[string]string{}
	for name, value := range s.Environment {
		env[name] = *value
	}
	at := slices.IndexFunc(s.Command, filepath.IsAbs)
	if at < 0 {
		f.add("%s: %v names no file", s.Name, s.Command)
		return nil
	}
	p, err := load(filepath.Join(l.root, s.Command[at]), env)
	if !f.must(s.Name, err) {
		return nil
	}
	l.comesFar(f, s.Command, env, p)
	if s.Command[0] != "run" {
		return nil
	}
	l.named(f, s.Command[at], env, p)
	allWork(f, p)
	if s.StopGracePeriod != nil {
		longEnough(f, "stop_grace_period", time.Duration(*s.StopGracePeriod), p)
	}
	if _, ok := env["XDG_CACHE_HOME"]; !ok || len(s.Tmpfs) != 1 || !strings.HasPrefix(s.Tmpfs[0], env["XDG_CACHE_HOME"]+":") {
		f.add("%s: the cache %q is not where it can write, %q", s.Name, env["XDG_CACHE_HOME"], s.Tmpfs)
	}
	return p
}

// reachable complains about a broker that is not at the config's address.
func reachable(f *findings, project *types.Project, p *config.Pipeline) {
	if k := p.Broker.Kafka; k != nil {
		advertised := project.Services["kafka"].Environment["KAFKA_ADVERTISED_LISTENERS"]
		for _, server := range k.BootstrapServers {
			if advertised == nil || !strings.Contains(*advertised, "://"+server) {
				f.add("%s is not what kafka advertises", server)
			}
			if host, _, _ := net.SplitHostPort(server); host != "kafka" {
				f.add("%s is no service", server)
			}
		}
		if advertised != nil && strings.Contains(*advertised, "INSIDE://localhost") {
			f.add("kafka advertises localhost to the other containers")
		}
	}
	if n := p.Broker.NATS; n != nil {
		u, err := url.Parse(n.URL)
		if !f.must(n.URL, err) {
			return
		}
		s, ok := project.Services[u.Hostname()]
		if !ok {
			f.add("%s is no service", u.Host)
			return
		}
		natsServer(f, s, u.Port())
	}
}

// natsServer lays a container of nats-server out and reads its configuration.
func natsServer(f *findings, s types.ServiceConfig, port string) {
	l, err := newLayout()
	if !f.must("make a folder", err) {
		return
	}
	defer l.remove()
	var volumes []string
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeVolume {
			volumes = append(volumes, v.Target)
			continue
		}
		f.must(s.Name, l.mount(v.Source, v.Target))
	}
	if len(s.Command) != 2 || s.Command[0] != "--config" {
		f.add("%s: %v is not --config and a file", s.Name, s.Command)
		return
	}
	o, err := server.ProcessConfigFile(filepath.Join(l.root, s.Command[1]))
	if !f.must(s.Name, err) {
		return
	}
	if at := strconv.Itoa(o.Port); at != port {
		f.add("%s listens on port %s, and the pipeline asks for %s", s.Name, at, net.JoinHostPort(s.Name, port))
	}
	if !o.JetStream || !o.SyncAlways {
		f.add("%s: what it acknowledges may be lost: jetstream with sync_interval: always", s.Name)
	}
	if !slices.Contains(volumes, o.StoreDir) {
		f.add("%s: store_dir %s is on none of the volumes %v", s.Name, o.StoreDir, volumes)
	}
}

// scraped complains when Prometheus asks elsewhere than where penstock listens.
func scraped(f *findings, root string, s types.ServiceConfig, p *config.Pipeline) {
	targets, err := scrapeTargets(filepath.Join(root, composeFolder, "prometheus.yml"))
	if !f.must("prometheus.yml", err) {
		return
	}
	var names []string
	for _, network := range s.Networks {
		if network != nil {
			names = append(names, network.Aliases...)
		}
	}
	for _, target := range targets {
		host, at, err := net.SplitHostPort(target)
		if err != nil || !slices.Contains(names, host) || at != port(p.MetricsListen) {
			f.add("prometheus.yml: %s is not where %s listens: %s of %s", target, s.Name, fmt.Sprint(names), p.MetricsListen)
		}
	}
}
