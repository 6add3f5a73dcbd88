//go:build linux

package deployments

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/penstock/penstock/internal/embedded"
)

func TestUsers(t *testing.T) {
	holds(t, users, []edit{
		{operations, `{user: shop,`, `{name: shop,`, "User entry"},
		{operations, `publish: ["transactions.>"]`, `publish: ["payments.>"]`, "shop: penstock send"},
		{operations, `"$JS.API.STREAM.INFO.CARD_FRAUD", "$JS.API.CONSUMER.CREATE`, `"$JS.API.CONSUMER.CREATE`, "reader: penstock dlq list"},
		{operations, `"$JS.API.CONSUMER.INFO.CARD_FRAUD.*",` + "\n        ", "", "reader: penstock dlq show"},
		{operations, "`card-fraud.sent-back.*`", "`card-fraud.sent.*`", "redriver: penstock dlq redrive"},
	})
}

// users has each user of the page's example do with a server what the page says
// that it is for, with no more rights than stand there.
func users(root string) (f findings) {
	page, err := os.ReadFile(filepath.Join(root, operations))
	if !f.must(operations, err) {
		return f
	}
	example := regexp.MustCompile("(?s)```\n(authorization \\{.*?)```").FindSubmatch(page)
	also := regexp.MustCompile("`penstock dlq redrive` takes what `shop` has, what `reader` has, and `([^`]+)`").FindSubmatch(page)
	if example == nil || also == nil {
		f.add("%s shows no users", operations)
		return f
	}
	l, err := newLayout()
	if !f.must("make a folder", err) {
		return f
	}
	defer l.remove()
	text, err := withRedriver(l, strings.ReplaceAll(string(example[1]), passwordHash, "a-secret"), string(also[1]))
	if !f.must("users", err) {
		return f
	}
	b := &letters{layout: l, config: filepath.Join(l.root, "pipeline.yaml"), dir: filepath.Join(l.root, "data")}
	if !f.must("dead letters", b.make(root)) || !f.must("users", l.write("users", []byte(text), 0o640)) {
		return f
	}
	n, err := embedded.StartNATS(embedded.NATSOptions{Dir: b.dir, Listen: "127.0.0.1:0", UsersFile: filepath.Join(l.root, "users")})
	if !f.must("users", err) {
		return f
	}
	defer n.Close()
	for _, c := range []struct {
		user string
		args []string
	}{
		{"shop", []string{"send", b.config, filepath.Join(l.root, "model/bad.jsonl"), "--subject", "transactions.card"}},
		{"reader", []string{"dlq", "list", b.config}},
		{"reader", []string{"dlq", "show", b.config}},
		{"redriver", []string{"dlq", "redrive", b.config}},
		{"admin", []string{"position", "reset", b.config, "--to", "earliest"}},
	} {
		as := fmt.Sprintf("broker={nats: {url: 'nats://%s', user: %s, password: a-secret}}", n.Addr(), c.user)
		if err := penstock(append(c.args, "--set", as)...); err != nil {
			f.add("%s: penstock %s: %v", c.user, strings.Join(c.args, " "), err)
		}
	}
	return f
}

// withRedriver adds a user who has what two others have, and a subject more.
func withRedriver(l layout, text, also string) (string, error) {
	if err := l.write("example", []byte(text), 0o600); err != nil {
		return "", err
	}
	o, err := server.ProcessConfigFile(filepath.Join(l.root, "example"))
	if err != nil {
		return "", err
	}
	may := []string{also}
	for _, u := range o.Users {
		if u.Permissions != nil {
			may = append(may, u.Permissions.Publish.Allow...)
		}
	}
	const list = "  users: [\n"
	if !strings.Contains(text, list) {
		return "", errors.New("there is no list of users")
	}
	redriver := fmt.Sprintf(`{user: redriver, password: a-secret, permissions: {publish: ["%s"], subscribe: ["_INBOX.>"]}}`, strings.Join(may, `", "`))
	return strings.Replace(text, list, list+redriver+"\n", 1), nil
}

// letters are a pipeline's streams, with dead letters among them.
type letters struct {
	layout
	config, dir string
}

func (b *letters) make(root string) error {
	within := "broker={embedded: {dir: '" + b.dir + "'}}"
	return errors.Join(
		b.mount(filepath.Join(root, composeFolder, "nats.yaml"), "pipeline.yaml"),
		b.mount(filepath.Join(root, "examples/card-fraud"), "model"),
		penstock("send", b.config, filepath.Join(b.root, "model/bad.jsonl"), "--subject", "transactions.card", "--set", within),
		penstock("run", b.config, "--until-end", "--set", within, "--set", `listen=""`, "--set", "metrics_listen=127.0.0.1:0"),
	)
}

// penstock runs the binary; its error says what it said.
func penstock(args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, image().binary, args...)
	cmd.Env = variables(nil)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
