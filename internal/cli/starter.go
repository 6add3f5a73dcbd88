package cli

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/inference/onnxfile"
)

// starter writes a pipeline file for a model: every input mapped as far as the
// model's own names go, so that what is left to do is to put the right paths
// in.
func starter(path string, f *onnxfile.File) (string, error) {
	name := pipelineName(path)
	var b strings.Builder
	fmt.Fprintf(&b, "# A start for %s. Put the paths of your events' fields in; penstock lint says what does not fit.\n", printable(filepath.Base(path)))
	fmt.Fprintf(&b, "name: %s\n", quoteYAML(name))
	b.WriteString("broker: {kafka: {bootstrap_servers: [localhost:9092]}}\n")
	fmt.Fprintf(&b, "source: {topic: %s}\n", quoteYAML(name+".events"))
	fmt.Fprintf(&b, "sink: {topic: %s}\n", quoteYAML(name+".predictions"))
	fmt.Fprintf(&b, "model:\n  path: %s\n", quoteYAML(path))
	if len(f.Inputs) > 0 {
		b.WriteString("  inputs:\n")
	}
	for i, in := range f.Inputs {
		if in.Type == inference.Invalid {
			return "", fmt.Errorf("%s: input %s is a %s, which penstock cannot map", path, in.Name, f.InputTypes[i])
		}
		value, note := starterInput(f, in)
		fmt.Fprintf(&b, "    %s: %s  # %s%s\n", quoteYAML(in.Name), value, printable(in.String()), note)
	}
	b.WriteString("  # What a prediction says besides what is detected: every output, and fields of the event.\n")
	b.WriteString("  # output: {include: all, pass: [id]}\n")
	return b.String(), nil
}

// starterInput is the mapping of one input and a note on it.
func starterInput(f *onnxfile.File, in inference.TensorInfo) (value, note string) {
	own := quoteYAML(pathStep(in.Name))
	if len(in.Shape) < 2 {
		return own, ""
	}
	width := int64(1)
	for _, n := range in.Shape[1:] {
		if n == inference.Dynamic {
			width = inference.Dynamic
			break
		}
		width *= n
	}
	switch {
	case width == 1:
		return own, ""
	case width == inference.Dynamic:
		if other := maskOf(f, in); other != "" {
			return fmt.Sprintf("{mask_of: %s}", quoteYAML(other)), ""
		}
		return fmt.Sprintf("{from: %s, pad: %s}", own, padFor(in.Type)), ": an array, padded to the batch's longest"
	}
	if names := featureNames(f.Metadata); int64(len(names)) == width {
		for i := range names {
			names[i] = quoteYAML(featurePath(names[i]))
		}
		return "[" + strings.Join(names, ", ") + "]", ": from the model's feature_names"
	}
	return own, fmt.Sprintf(": an array of %d values, or list %d paths", width, width)
}

// maskOf tells which input's presence in says, by the name that exporters of
// language models give it.
func maskOf(f *onnxfile.File, in inference.TensorInfo) string {
	if in.Name != "attention_mask" {
		return ""
	}
	for _, other := range f.Inputs {
		if other.Name == "input_ids" {
			return other.Name
		}
	}
	return ""
}

func padFor(t inference.ElementType) string {
	switch t {
	case inference.String:
		return `""`
	case inference.Bool:
		return "false"
	}
	return "0"
}

// featureNames are the columns that the model's metadata names, as a JSON
// array or between commas.
func featureNames(metadata map[string]string) []string {
	text := strings.TrimSpace(metadata["feature_names"])
	var names []string
	if json.Unmarshal([]byte(text), &names) == nil {
		return names
	}
	for name := range strings.SplitSeq(text, ",") {
		names = append(names, strings.TrimSpace(name))
	}
	return names
}

// featurePath takes a feature's name for a path where it can be one, as the
// mapping does when the config does not name the columns.
func featurePath(name string) string {
	if strings.ContainsAny(name, "[]") || strings.Contains("."+name+".", "..") {
		return pathStep(name)
	}
	return name
}

var (
	notInName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
	plainYAML = regexp.MustCompile(`^[A-Za-z_/.][A-Za-z0-9_/.-]*$`)
)

// nameLength is where a pipeline's name is cut: lint accepts 200 characters, and
// ids of members and topics are easier to read with fewer.
const nameLength = 100

// pipelineName makes a pipeline's name of a model's file name.
func pipelineName(path string) string {
	base := filepath.Base(path)
	name := notInName.ReplaceAllString(strings.TrimSuffix(base, filepath.Ext(base)), "-")
	name = name[:min(len(name), nameLength)]
	if name = strings.Trim(name, "-._"); name == "" {
		return "pipeline"
	}
	return name
}

// quoteYAML writes text so that a config reads it back as that text: plain
// where it cannot be taken for anything else, and with ${ not as a variable.
func quoteYAML(text string) string {
	text = strings.ReplaceAll(text, "${", "$${")
	switch strings.ToLower(text) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null", "~", ".nan", ".inf":
	default:
		if plainYAML.MatchString(text) {
			return text
		}
	}
	quoted, err := json.Marshal(text)
	if err != nil { // text always marshals
		panic(fmt.Sprintf("quote %q: %v", text, err))
	}
	return string(quoted)
}
