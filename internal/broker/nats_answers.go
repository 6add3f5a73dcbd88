package broker

import (
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Codes of JetStream that its client does not name.
const (
	codeResources          jetstream.ErrorCode = 10023 // of the server
	codeAccountResources   jetstream.ErrorCode = 10002
	codeMemory             jetstream.ErrorCode = 10028
	codeStorage            jetstream.ErrorCode = 10047
	codeHeaderTooLarge     jetstream.ErrorCode = 10097
	codeInvalidConfig      jetstream.ErrorCode = 10052
	codeOtherStream        jetstream.ErrorCode = 10060
	codeSubjectsOverlap    jetstream.ErrorCode = 10065
	codeStreamReplicas     jetstream.ErrorCode = 10074
	codeStore              jetstream.ErrorCode = 10077
	codeQueueWhole         jetstream.ErrorCode = 10099 // a work queue has a consumer of all
	codeQueueShared        jetstream.ErrorCode = 10100 // a work queue has a consumer of these events
	codeSealed             jetstream.ErrorCode = 10109
	codeRollup             jetstream.ErrorCode = 10111
	codeMaxStreamBytes     jetstream.ErrorCode = 10122
	codeMsgIDInProcess     jetstream.ErrorCode = 10158
	codeBeingWritten       jetstream.ErrorCode = 10164
	codeTTLInvalid         jetstream.ErrorCode = 10165
	codeTTLDisabled        jetstream.ErrorCode = 10166
	codeBatchDisabled      jetstream.ErrorCode = 10174
	codeBatchSequence      jetstream.ErrorCode = 10175
	codeBatchIncomplete    jetstream.ErrorCode = 10176
	codeBatchHeader        jetstream.ErrorCode = 10177
	codeBatchID            jetstream.ErrorCode = 10179
	codeBatchTooLarge      jetstream.ErrorCode = 10199
	codeBatchCommit        jetstream.ErrorCode = 10200
	codeBatchDuplicate     jetstream.ErrorCode = 10201
	codeBatchesInflight    jetstream.ErrorCode = 10210
	codeMaxStreams         jetstream.ErrorCode = 10027
	codeStreamOffline      jetstream.ErrorCode = 10118
	codeConsumerOffline    jetstream.ErrorCode = 10119
	codeConsumerOfflineFor jetstream.ErrorCode = 10195
	codeStreamOfflineFor   jetstream.ErrorCode = 10194
	codeNotLeader          jetstream.ErrorCode = 10009
	codeRaft               jetstream.ErrorCode = 10041
)

// diagnoseAnswer sorts the errors that JetStream answers with. What says that
// the server is busy or not there yet heals by itself, whatever its code.
func diagnoseAnswer(e *jetstream.APIError) Diagnosis {
	if d, ok := diagnoseBatch(e); ok {
		return d
	}
	if d, ok := diagnoseRoom(e); ok {
		return d
	}
	switch e.ErrorCode {
	case jetstream.JSErrCodeStreamNotFound:
		return Diagnosis{Missing, "a stream is not there: penstock topics CONFIG shows which, and makes it with --create"}
	case jetstream.JSErrCodeJetStreamNotEnabled:
		return Diagnosis{Denied, "the server has no JetStream: enable it (jetstream {} in its configuration), or name a server that has in broker.nats.url"}
	case jetstream.JSErrCodeJetStreamNotEnabledForAccount:
		return Diagnosis{Denied, "the user's account has no JetStream: enable it for the account, or log in with another in broker.nats"}
	case codeQueueWhole, codeQueueShared:
		return Diagnosis{Fatal, "the source is a work queue, and another consumer takes these events: delete it, or give the pipeline other filter_subjects"}
	case codeSubjectsOverlap:
		return Diagnosis{Fatal, "another stream takes some of the subjects: penstock topics CONFIG shows which"}
	case codeOtherStream:
		return Diagnosis{Fatal, "another stream than sink.stream takes the subject: penstock topics CONFIG shows which"}
	case codeSealed:
		return Diagnosis{Fatal, "the stream is sealed, which cannot be undone: give another as sink.stream"}
	case codeStreamReplicas, codeInvalidConfig, jetstream.JSErrCodeStreamNameInUse:
		return Diagnosis{Kind: Fatal} // the text says it
	case jetstream.JSErrCodeConsumerNotFound, jetstream.JSErrCodeConsumerDoesNotExist:
		return Diagnosis{Kind: Rebuild}
	case codeStreamOffline, codeStreamOfflineFor, codeConsumerOffline, codeConsumerOfflineFor, codeNotLeader, codeRaft:
		return Diagnosis{Transient, "the servers that have the stream are not ready: see their logs"}
	}
	if e.ErrorCode == codeBatchesInflight {
		return Diagnosis{Transient, "the stream, or the server, has as many batches in flight as it takes; run fewer workers, or raise max_inflight_per_stream of jetstream.limits.batch in its configuration"}
	}
	if e.Code == 503 || e.Code == 429 {
		return Diagnosis{Kind: Transient}
	}
	return Diagnosis{Kind: Rebuild}
}

// diagnoseBatch knows what becomes of an epoch.
func diagnoseBatch(e *jetstream.APIError) (Diagnosis, bool) {
	switch e.ErrorCode {
	case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant, // another worker was there
		codeBatchIncomplete, // for whatever reason: see passes
		codeBatchDuplicate, codeMsgIDInProcess:
		return Diagnosis{Kind: Rebuild}, true
	case codeBatchTooLarge:
		return Diagnosis{TooLarge, "a batch has more messages than the server takes: raise max_msgs of jetstream.limits.batch in its configuration"}, true
	case codeBatchDisabled:
		return Diagnosis{Fatal, "the pipeline's own stream does not allow atomic batches: penstock topics CONFIG says how to mend it"}, true
	case codeTTLDisabled, codeTTLInvalid:
		return Diagnosis{Fatal, "the pipeline's own stream does not allow message TTLs: penstock topics CONFIG says how to mend it"}, true
	case codeRollup:
		return Diagnosis{Fatal, "the pipeline's own stream does not allow rollups: penstock topics CONFIG says how to mend it"}, true
	case codeBatchSequence, codeBatchHeader, codeBatchID, codeBatchCommit:
		return Diagnosis{Kind: Fatal}, true // a mistake of ours
	}
	return Diagnosis{}, false
}

// diagnoseRoom knows what is too large, and what is full.
func diagnoseRoom(e *jetstream.APIError) (Diagnosis, bool) {
	const full = "the pipeline's own stream is full: raise its max_bytes, or shorten its max_age"
	switch e.ErrorCode {
	case jetstream.JSErrCodeStreamMessageExceedsMaximum:
		return Diagnosis{TooLarge, "a message is larger than the stream takes: raise its max_msg_size"}, true
	case codeHeaderTooLarge:
		return Diagnosis{TooLarge, "a message's headers are larger than the server takes"}, true
	case codeStore:
		if strings.HasPrefix(e.Description, "maximum ") {
			return Diagnosis{Transient, full}, true
		}
		return Diagnosis{Transient, "the server could not store a message: see its disk and its logs"}, true
	case codeResources, codeAccountResources, codeMemory, codeStorage, codeMaxStreamBytes:
		return Diagnosis{Transient, "JetStream has no room left for this: see the server's max_file_store and max_memory_store, the account's limits, and the disk"}, true
	case jetstream.JSErrCodeMaximumConsumersLimit:
		return Diagnosis{Transient, "the stream has as many consumers as it may, of which each filter takes one: raise its max_consumers and the account's, or where neither is set " +
			"default_max_consumers of jetstream.limits in the server's configuration, which is 1000 unless it is given"}, true
	case codeMaxStreams:
		return Diagnosis{Transient, "the account has as many streams as it may: raise its max_streams, or remove what nobody uses"}, true
	}
	return Diagnosis{}, false
}
