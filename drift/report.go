package drift

import "time"

// Report is one window of one model version, as it is published.
type Report struct {
	Pipeline  string          `json:"pipeline,omitempty"`
	Model     string          `json:"model,omitempty"`
	Version   string          `json:"version,omitempty"`
	Window    string          `json:"window"`
	Start     time.Time       `json:"start,omitzero"` // zero for files without event times
	End       time.Time       `json:"end,omitzero"`
	Revision  int             `json:"revision"`
	Rows      int64           `json:"rows"`
	Late      int64           `json:"late"`
	Future    int64           `json:"future"`
	Complete  bool            `json:"complete"`
	Reference ReportReference `json:"reference"`
	Alarm     bool            `json:"alarm"`
	// Severity, Since and Contributors are there while Alarm is: how big the
	// biggest effect is, the start of the first window of this alarm, and the
	// features in descending order of effect.
	Severity     string          `json:"severity,omitempty"`
	Since        *time.Time      `json:"since,omitempty"`
	Contributors []string        `json:"contributors,omitempty"`
	Features     []FeatureReport `json:"features"`
}

// ReportReference says what a window was compared with.
type ReportReference struct {
	Digest string `json:"digest"`
	Rows   int64  `json:"rows"`
}

// Status says whether a feature's statistics are there.
type Status string

// The statuses of a feature.
const (
	StatusOK           Status = "ok"
	StatusInsufficient Status = "insufficient" // fewer than min_rows rows here or in the reference
	StatusIncomplete   Status = "incomplete"   // the reference may not be trusted
	StatusCollecting   Status = "collecting"   // there is no reference yet
)

// FeatureReport is one feature of a report. Statistics are nil where Status is not ok.
type FeatureReport struct {
	Name         string             `json:"name"`
	Role         Role               `json:"role"`
	Kind         Kind               `json:"kind"`
	Rows         int64              `json:"rows"`
	Missing      float64            `json:"missing"`    // share of the rows
	NonFinite    float64            `json:"non_finite"` // share of the rows
	TypeErrors   int64              `json:"type_errors"`
	Distinct     *int64             `json:"distinct,omitempty"` // categorical: estimate of different values
	Status       Status             `json:"status"`
	Alarm        bool               `json:"alarm"`
	JS           *float64           `json:"js,omitempty"`
	JSLower      *float64           `json:"js_lower,omitempty"`
	PSI          *float64           `json:"psi,omitempty"`
	PSICorrected *float64           `json:"psi_corrected,omitempty"`
	W1           *float64           `json:"w1,omitempty"`
	KSLower      *float64           `json:"ks_lower,omitempty"`
	KSUpper      *float64           `json:"ks_upper,omitempty"`
	Hellinger    *float64           `json:"hellinger,omitempty"`
	Linf         *float64           `json:"linf,omitempty"`
	P            *float64           `json:"p,omitempty"`
	Q            *float64           `json:"q,omitempty"`
	Compat       map[string]float64 `json:"compat,omitempty"`
	Changes      []ReportChange     `json:"changes,omitempty"` // found within the window, in order
}

// ReportChange is a Change that is told with its time.
type ReportChange struct {
	// At and Until bound the stretch of event time that told it. The change itself
	// lies before its end.
	At       time.Time `json:"at"`
	Until    time.Time `json:"until"`
	Detector string    `json:"detector"`
	What     string    `json:"what"`               // as Change.What
	Category string    `json:"category,omitempty"` // of ChangeCategory: its name
}
