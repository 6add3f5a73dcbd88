//go:build linux

package deployments

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

func TestRights(t *testing.T) {
	holds(t, rights, []edit{
		{operations, "--operation Write --topic predictions", "--operation Read --topic predictions", "topics"},
		{operations, "cleanup.policy=compact", "cleanup.policy=delete", "topics"},
	})
	holds(t, permissions, []edit{
		{operations, `"$JS.API.STREAM.NAMES"`, `"$JS.API.STREAM.LIST"`, "STREAM.NAMES"},
		{operations, `, "card-fraud.>"`, "", "card-fraud.>"},
		{operations, `subscribe: ["_INBOX.>"]`, `subscribe: []`, "_INBOX"},
		{operations, "`NAME.lease.FILTER`", "`NAME.state`", "NAME.lease.FILTER"},
		{operations, "`NAME.position.GROUP.FILTER`", "`NAME.GROUP.FILTER`", "NAME.position.GROUP.FILTER"},
	})
}

// rights holds what the page shows of penstock topics against what it prints
// where it cannot ask the broker.
func rights(root string) (f findings) {
	page, err := os.ReadFile(filepath.Join(root, operations))
	if !f.must(operations, err) {
		return f
	}
	const kafka = "broker.kafka."
	out, _ := exec.Command(image().binary, "topics", filepath.Join(root, "examples/card-fraud/pipeline.yaml"), // it fails, for there is no broker
		"--set", kafka+"bootstrap_servers=127.0.0.1:1", "--set", kafka+"sasl.username=card-fraud", "--set", kafka+"sasl.password=none").Output()
	if len(out) == 0 || !strings.Contains(string(page), "```\n"+string(out)+"```\n") {
		f.add("penstock topics prints otherwise:\n%s", out)
	}
	return f
}

// permissions holds what the page says of NATS against the subjects in the code,
// and the permissions that penstock topics prints.
func permissions(root string) (f findings) {
	page, err := os.ReadFile(filepath.Join(root, operations))
	if !f.must(operations, err) {
		return f
	}
	of := func(group string) broker.Subjects {
		return broker.NewSubjects(&config.Pipeline{Name: "NAME", Source: config.Source{Group: group}})
	}
	own := of("NAME")
	for _, subject := range []string{
		own.Predictions(), own.Dead(), own.Position("FILTER"), own.Lease("FILTER"), own.Member("ID"),
		own.Attempt("FILTER"), own.SentBack("BLOCK"), of("GROUP").Position("FILTER"),
	} {
		if !bytes.Contains(page, []byte("`"+subject+"`")) {
			f.add("the pipeline's own stream has %s", subject)
		}
	}
	out, _ := exec.Command(image().binary, "topics", filepath.Join(root, composeFolder, "nats.yaml"), // it fails, for there is no server
		"--set", "create_topics=false", "--set", "broker.nats.url=nats://"+nobody).Output()
	_, printed, _ := strings.Cut(string(out), "PERMISSIONS\n")
	shown := regexp.MustCompile("(?s)```\n(permissions: .*?)```").FindSubmatch(page)
	if shown == nil || printed == "" || !slices.Equal(subjects(string(shown[1])), subjects(printed)) {
		f.add("penstock topics prints otherwise:\n%s", printed)
	}
	return f
}

// subjects are the quoted ones of a text, behind the list that they are in.
func subjects(text string) []string {
	return regexp.MustCompile(`publish: \[|subscribe: \[|"[^"]+"`).FindAllString(text, -1)
}
