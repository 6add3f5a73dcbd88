//go:build linux

package deployments

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"go.yaml.in/yaml/v4"
)

// scrapeConfig is as much of Prometheus' configuration as ours uses. Its own
// package would bring the clients of every cloud along, some 400 packages.
type scrapeConfig struct {
	Global struct {
		ScrapeInterval string `yaml:"scrape_interval"`
	} `yaml:"global"`
	ScrapeConfigs []struct {
		JobName                string `yaml:"job_name"`
		ScrapeNativeHistograms bool   `yaml:"scrape_native_histograms"`
		StaticConfigs          []struct {
			Targets []string `yaml:"targets"`
		} `yaml:"static_configs"`
	} `yaml:"scrape_configs"`
}

// scrapeTargets reads a prometheus.yml.
func scrapeTargets(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	var c scrapeConfig
	if err := decoder.Decode(&c); err != nil {
		return nil, err
	}
	if _, err := time.ParseDuration(c.Global.ScrapeInterval); err != nil {
		return nil, fmt.Errorf("scrape_interval: %w", err)
	}
	var targets []string
	for _, job := range c.ScrapeConfigs {
		if job.JobName == "" || !job.ScrapeNativeHistograms {
			return nil, errors.New("a job needs a name, and native histograms for latency")
		}
		for _, static := range job.StaticConfigs {
			targets = append(targets, static.Targets...)
		}
	}
	if len(targets) == 0 {
		return nil, errors.New("nothing is scraped")
	}
	return targets, nil
}
