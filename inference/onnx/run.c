//go:build cgo

// One run: inputs bound, session run, outputs described.
#include "ort.h"

OrtStatus *ps_open(ps_runner *r) {
  r->in = calloc(r->inputs + 1, sizeof *r->in); // + 1: calloc(0) may give NULL
  r->out = calloc(r->outputs + 1, sizeof *r->out);
  r->input_values = calloc(r->inputs + 1, sizeof *r->input_values);
  r->output_values = calloc(r->outputs + 1, sizeof *r->output_values);
  if (!r->in || !r->out || !r->input_values || !r->output_values) return ps_out_of_memory(r->api);
  TRY(r->api->CreateRunOptions(&r->options));
  TRY(r->api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &r->memory));
  return r->api->GetAllocatorWithDefaultOptions(&r->allocator);
}

void ps_release_values(const OrtApi *api, OrtValue **values, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (values[i]) api->ReleaseValue(values[i]);
    values[i] = NULL;
  }
}

void ps_close(ps_runner *r) {
  if (r->input_values) ps_release_values(r->api, r->input_values, r->inputs);
  if (r->output_values) ps_release_values(r->api, r->output_values, r->outputs);
  ps_release_values(r->api, &r->keys, 1);
  if (r->options) r->api->ReleaseRunOptions(r->options);
  if (r->memory) r->api->ReleaseMemoryInfo(r->memory);
  free(r->in);
  free(r->out);
  free(r->input_values);
  free(r->output_values);
  free(r->offsets);
  memset(r, 0, sizeof *r);
}

OrtStatus *ps_fill(ps_runner *r, size_t i, const char *text, size_t text_bytes, const ps_ref *refs, size_t count) {
  ps_input *in = &r->in[i];
  OrtValue **value = &r->input_values[i];
  if (in->changed) {
    ps_release_values(r->api, value, 1);
    TRY(r->api->CreateTensorAsOrtValue(r->allocator, in->dims, (size_t)in->rank, in->type, value));
    in->changed = false;
  }
  for (size_t k = 0; k < count; k++) {
    char *to;
    size_t length = refs[k].length;
    if ((uint64_t)refs[k].start + length > text_bytes)
      return r->api->CreateStatus(ORT_INVALID_ARGUMENT, "a string reaches beyond the tensor's text");
    TRY(r->api->GetResizedStringTensorElementBuffer(*value, k, length, &to));
    memcpy(to, text + refs[k].start, length);
  }
  return NULL;
}

// renew_inputs makes new values for the inputs whose memory or shape changed.
// All old ones go first: Go unpins their memory whatever comes of this.
static OrtStatus *renew_inputs(ps_runner *r) {
  for (size_t i = 0; i < r->inputs; i++)
    if (r->in[i].changed) ps_release_values(r->api, &r->input_values[i], 1);
  for (size_t i = 0; i < r->inputs; i++) {
    ps_input *in = &r->in[i];
    if (!in->changed) continue;
    TRY(r->api->CreateTensorWithDataAsOrtValue(r->memory, in->data, in->bytes, in->dims, (size_t)in->rank, in->type,
                                               &r->input_values[i]));
    in->changed = false;
  }
  return NULL;
}

OrtStatus *ps_describe_output(const OrtApi *api, OrtValue *value, ps_output *out) {
  enum ONNXType kind;
  enum ONNXTensorElementDataType type;
  void *data;
  memset(out, 0, sizeof *out);
  TRY(api->GetValueType(value, &kind));
  out->kind = kind;
  if (kind != ONNX_TYPE_TENSOR) return NULL;
  TRY(api->GetTensorElementTypeAndShapeDataReference(value, &type, &out->dims, &out->rank));
  out->type = type;
  if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) return api->GetStringTensorDataLength(value, &out->text_bytes);
  TRY(api->GetTensorMutableData(value, &data));
  out->data = data;
  return NULL;
}

OrtStatus *ps_run(ps_runner *r) {
  ps_release_values(r->api, r->output_values, r->outputs);
  TRY(renew_inputs(r));
  TRY(r->api->Run(r->session, r->options, r->input_names, (const OrtValue *const *)r->input_values, r->inputs,
                  r->output_names, r->outputs, r->output_values));
  for (size_t i = 0; i < r->outputs; i++) TRY(ps_describe_output(r->api, r->output_values[i], &r->out[i]));
  return NULL;
}

void ps_terminate(ps_runner *r, bool on) {
  OrtStatus *status = on ? r->api->RunOptionsSetTerminate(r->options) : r->api->RunOptionsUnsetTerminate(r->options);
  r->api->ReleaseStatus(status); // NULL: setting a flag does not fail
}
