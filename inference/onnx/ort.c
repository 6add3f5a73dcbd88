//go:build cgo

// Loading the library, and what a session takes and gives.
#include "ort.h"

#include <stdio.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

typedef const OrtApiBase *(*entry_point)(void);

#ifdef _WIN32
static char *load_entry(const char *path, entry_point *entry) {
  wchar_t wide[32768]; // the longest path that Windows knows
  char text[64];
  HMODULE library = NULL;
  if (MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, 32768)) library = LoadLibraryW(wide);
  if (library) *entry = (entry_point)(void *)GetProcAddress(library, "OrtGetApiBase");
  if (library && *entry) return NULL;
  snprintf(text, sizeof text, "Windows error %lu", (unsigned long)GetLastError());
  return _strdup(text);
}
#else
static char *load_entry(const char *path, entry_point *entry) {
  void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
  if (!library) return strdup(dlerror());
  *entry = (entry_point)dlsym(library, "OrtGetApiBase");
  if (*entry) return NULL;
  char *message = strdup(dlerror());
  dlclose(library);
  return message;
}
#endif

char *ps_load(const char *path, const OrtApiBase **base) {
  entry_point entry = NULL;
  char *message = load_entry(path, &entry);
  if (message) return message;
  *base = entry();
  return NULL;
}

const char *ps_version(const OrtApiBase *base) { return base->GetVersionString(); }

const OrtApi *ps_api(const OrtApiBase *base) { return base->GetApi(ORT_API_VERSION); }

char *ps_message(const OrtApi *api, OrtStatus *status) {
  char *text = strdup(api->GetErrorMessage(status));
  api->ReleaseStatus(status);
  return text;
}

OrtStatus *ps_count(const OrtApi *api, OrtSession *session, size_t *inputs, size_t *outputs) {
  TRY(api->SessionGetInputCount(session, inputs));
  return api->SessionGetOutputCount(session, outputs);
}

static OrtStatus *describe_tensor(const OrtApi *api, const OrtTypeInfo *type, ps_info *info) {
  const OrtTensorTypeAndShapeInfo *tensor;
  enum ONNXTensorElementDataType element;
  size_t rank;
  TRY(api->CastTypeInfoToTensorInfo(type, &tensor));
  TRY(api->GetTensorElementType(tensor, &element));
  info->type = element;
  if (!api->TensorTypeAndShape_HasShape(tensor)) {
    info->rank = -1;
    return NULL;
  }
  TRY(api->GetDimensionsCount(tensor, &rank));
  if (rank > PS_MAX_RANK) return api->CreateStatus(ORT_INVALID_ARGUMENT, "it has more than 16 dimensions");
  info->rank = (int32_t)rank;
  return api->GetDimensions(tensor, info->dims, rank);
}

// describe_map fills in key and value types where the element of a sequence is
// a map to tensors, and leaves info->kind as it was where it is not.
static OrtStatus *describe_map(const OrtApi *api, const OrtTypeInfo *element, ps_info *info) {
  const OrtMapTypeInfo *map;
  enum ONNXTensorElementDataType key;
  OrtTypeInfo *value = NULL;
  TRY(api->CastTypeInfoToMapTypeInfo(element, &map));
  if (!map) return NULL;
  TRY(api->GetMapKeyType(map, &key));
  info->key = key;
  TRY(api->GetMapValueType(map, &value));
  OrtStatus *status = describe_tensor(api, value, info);
  api->ReleaseTypeInfo(value);
  return status;
}

static OrtStatus *describe_type(const OrtApi *api, const OrtTypeInfo *type, ps_info *info) {
  enum ONNXType kind;
  TRY(api->GetOnnxTypeFromTypeInfo(type, &kind));
  info->kind = kind;
  if (kind == ONNX_TYPE_TENSOR) return describe_tensor(api, type, info);
  if (kind != ONNX_TYPE_SEQUENCE) return NULL;
  const OrtSequenceTypeInfo *sequence;
  OrtTypeInfo *element = NULL;
  TRY(api->CastTypeInfoToSequenceTypeInfo(type, &sequence));
  TRY(api->GetSequenceElementType(sequence, &element));
  OrtStatus *status = describe_map(api, element, info);
  api->ReleaseTypeInfo(element);
  return status;
}

OrtStatus *ps_describe(const OrtApi *api, OrtSession *session, bool output, size_t i, ps_info *info) {
  OrtAllocator *allocator;
  OrtTypeInfo *type = NULL;
  char *name = NULL;
  memset(info, 0, sizeof *info);
  TRY(api->GetAllocatorWithDefaultOptions(&allocator));
  TRY(output ? api->SessionGetOutputName(session, i, allocator, &name)
             : api->SessionGetInputName(session, i, allocator, &name));
  info->name = strdup(name);
  TRY(api->AllocatorFree(allocator, name));
  TRY(output ? api->SessionGetOutputTypeInfo(session, i, &type)
             : api->SessionGetInputTypeInfo(session, i, &type));
  OrtStatus *status = describe_type(api, type, info);
  api->ReleaseTypeInfo(type);
  return status;
}

OrtStatus *ps_assigned(const OrtApi *api, OrtSession *session, const char *provider, size_t *on, size_t *all) {
  const OrtEpAssignedSubgraph *const *graphs = NULL;
  size_t count = 0;
  *on = *all = 0;
  TRY(api->Session_GetEpGraphAssignmentInfo(session, &graphs, &count));
  for (size_t i = 0; i < count; i++) {
    const OrtEpAssignedNode *const *nodes = NULL;
    const char *name = NULL;
    size_t n = 0;
    TRY(api->EpAssignedSubgraph_GetEpName(graphs[i], &name));
    TRY(api->EpAssignedSubgraph_GetNodes(graphs[i], &nodes, &n));
    *all += n;
    if (strcmp(name, provider) == 0) *on += n;
  }
  return NULL;
}

void ps_trim(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

OrtStatus *ps_out_of_memory(const OrtApi *api) { return api->CreateStatus(ORT_FAIL, "out of memory"); }
