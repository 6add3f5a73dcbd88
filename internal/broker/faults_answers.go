package broker

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
)

// kindOf sorts the codes that brokers answer with. known is false for one that
// was never thought about.
func kindOf(e *kerr.Error) (kind Kind, known bool) {
	switch e {
	case // A broker, a leader or a coordinator is starting, moving or busy.
		kerr.UnknownServerError, kerr.LeaderNotAvailable, kerr.NotLeaderForPartition, kerr.RequestTimedOut,
		kerr.BrokerNotAvailable, kerr.ReplicaNotAvailable, kerr.StaleControllerEpoch, kerr.NetworkException,
		kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.NotController,
		kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend, kerr.KafkaStorageError, kerr.OperationNotAttempted,
		kerr.ReassignmentInProgress, kerr.PreferredLeaderNotAvailable, kerr.EligibleLeadersNotAvailable,
		kerr.ElectionNotNeeded, kerr.ListenerNotFound, kerr.StaleBrokerEpoch, kerr.OffsetNotAvailable,
		kerr.ThrottlingQuotaExceeded, kerr.TransactionCoordinatorFenced,
		// Something of ours is still under way.
		kerr.ConcurrentTransactions, kerr.RebalanceInProgress, kerr.UnstableOffsetCommit,
		// The client begins such a session anew.
		kerr.FetchSessionIDNotFound, kerr.InvalidFetchSessionEpoch, kerr.FetchSessionTopicIDError,
		// Damaged on the way; the next time it may not be.
		kerr.CorruptMessage,
		// Until another member leaves.
		kerr.GroupMaxSizeReached,
		// Statistics for the broker, which nothing depends on.
		kerr.UnknownSubscriptionID, kerr.TelemetryTooLarge:
		return Transient, true

	case // The transaction, or the producer, is no longer ours.
		kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping, kerr.UnknownProducerID,
		kerr.InvalidTxnState, kerr.TransactionAbortable, kerr.TransactionalIDNotFound,
		kerr.OutOfOrderSequenceNumber, kerr.DuplicateSequenceNumber,
		// The membership is over.
		kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.MemberIDRequired, kerr.FencedMemberEpoch,
		kerr.StaleMemberEpoch, kerr.GroupIDNotFound,
		// What the client knows of the cluster is of yesterday.
		kerr.FencedLeaderEpoch, kerr.UnknownLeaderEpoch, kerr.InconsistentTopicID, kerr.RebootstrapRequired,
		// Retention overtook us; a new session begins at what is left.
		kerr.OffsetOutOfRange:
		return Rebuild, true

	case kerr.FencedInstanceID, kerr.UnreleasedInstanceID:
		return Twin, true

	case // Who we are.
		kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState,
		kerr.DelegationTokenAuthDisabled, kerr.DelegationTokenNotFound, kerr.DelegationTokenOwnerMismatch,
		kerr.DelegationTokenRequestNotAllowed, kerr.DelegationTokenExpired,
		// What we may do.
		kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed,
		kerr.TransactionalIDAuthorizationFailed, kerr.DelegationTokenAuthorizationFailed:
		return Denied, true

	case kerr.UnknownTopicOrPartition, kerr.UnknownTopicID:
		return Missing, true

	case kerr.MessageTooLarge, kerr.RecordListTooLarge:
		return TooLarge, true
	}
	return Fatal, neverHeals(e)
}

// neverHeals knows the codes that waiting and beginning anew do not help
// against.
func neverHeals(e *kerr.Error) bool {
	switch e {
	case // The broker is too old, or its settings forbid what the config asks for.
		kerr.UnsupportedVersion, kerr.UnsupportedForMessageFormat, kerr.UnsupportedCompressionType,
		kerr.UnsupportedAssignor, kerr.InvalidSessionTimeout, kerr.InvalidTransactionTimeout,
		kerr.InconsistentGroupProtocol, kerr.InvalidGroupID, kerr.InvalidTopicException, kerr.InvalidTimestamp,
		kerr.InvalidRecord, kerr.MismatchedEndpointType, kerr.UnsupportedEndpointType, kerr.SecurityDisabled,
		kerr.PolicyViolation, kerr.TopicDeletionDisabled,
		// A request is wrong, which is a mistake of ours or of the client's.
		kerr.InvalidFetchSize, kerr.OffsetMetadataTooLarge, kerr.InvalidRequiredAcks, kerr.InvalidCommitOffsetSize,
		kerr.InvalidRequest, kerr.InvalidRegularExpression, kerr.InvalidPartitions, kerr.InvalidReplicationFactor,
		kerr.InvalidReplicaAssignment, kerr.InvalidConfig,
		// An administrator's request does not fit what is there.
		kerr.TopicAlreadyExists, kerr.NonEmptyGroup, kerr.GroupSubscribedToTopic, kerr.NoReassignmentInProgress,
		kerr.ResourceNotFound, kerr.DuplicateResource, kerr.UnacceptableCredential, kerr.InvalidPrincipalType,
		kerr.LogDirNotFound, kerr.FeatureUpdateFailed, kerr.InvalidUpdateVersion, kerr.GroupDeletionFailed,
		// Said between brokers and controllers; a client never hears it from a healthy cluster.
		kerr.InconsistentVoterSet, kerr.PrincipalDeserializationFailure, kerr.SnapshotNotFound,
		kerr.PositionOutOfRange, kerr.DuplicateBrokerRegistration, kerr.BrokerIDNotRegistered,
		kerr.InconsistentClusterID, kerr.IneligibleReplica, kerr.NewLeaderElected, kerr.OffsetMovedToTieredStorage,
		kerr.UnknownControllerID, kerr.InvalidRegistration, kerr.InvalidVoterKey, kerr.DuplicateVoter,
		kerr.VoterNotFound, kerr.ControllerIDNotRegistered,
		// Of share groups and of Kafka Streams, which we do not take part in.
		kerr.InvalidRecordState, kerr.ShareSessionNotFound, kerr.InvalidShareSessionEpoch,
		kerr.FencedStateEpoch, kerr.ShareSessionLimitReached, kerr.StreamsInvalidTopology,
		kerr.StreamsInvalidTopologyEpoch, kerr.StreamsTopologyFenced, kerr.StreamsTopologyDescriptionUpdateFailed:
		return true
	}
	return false
}

// answerHint says what to look at when a broker answers with e.
func answerHint(e *kerr.Error, err error) string {
	switch e {
	case kerr.FencedInstanceID, kerr.UnreleasedInstanceID:
		return "another process runs under the same instance name: stop it, or give each its own with instance: or --instance"
	case kerr.SaslAuthenticationFailed:
		return "the broker refused the login: check the user, the password or token, and the mechanism in broker.kafka.sasl"
	case kerr.UnsupportedSaslMechanism:
		return "the broker does not offer this way to log in: check broker.kafka.sasl.mechanism"
	case kerr.IllegalSaslState:
		return "the broker wants no login here, or another one: check broker.kafka.sasl and the listener's port"
	case kerr.UnknownTopicOrPartition, kerr.UnknownTopicID:
		return "a topic is not there, or was created anew: penstock topics CONFIG shows which, and makes it with --create"
	case kerr.MessageTooLarge, kerr.RecordListTooLarge:
		return "a record is larger than the topic takes: raise its max.message.bytes"
	case kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend:
		return "the topic has fewer replicas in sync than its min.insync.replicas: bring the brokers back"
	case kerr.GroupMaxSizeReached:
		return "the group has as many members as the broker's group.max.size allows: run fewer workers, or raise it"
	}
	if kind, _ := kindOf(e); kind == Denied {
		return deniedHint(e, err)
	}
	return fatalHint(e)
}

// deniedHint names the right that is missing, as far as it is known.
func deniedHint(e *kerr.Error, err error) string {
	const see = ": penstock topics CONFIG prints the rights that the pipeline needs"
	if r, ok := errors.AsType[*Refusal](err); ok {
		return fmt.Sprintf("the user lacks %s on %s"+see, r.Right, r.Resource)
	}
	switch e {
	case kerr.TopicAuthorizationFailed:
		return "the user lacks a right on a topic" + see
	case kerr.GroupAuthorizationFailed:
		return "the user lacks Read on the consumer group" + see
	case kerr.TransactionalIDAuthorizationFailed:
		return "the user lacks Write and Describe on the pipeline's transactional ids" + see
	case kerr.ClusterAuthorizationFailed:
		return "the user lacks a right on the cluster, such as IdempotentWrite or Create" + see
	}
	return "the broker does not accept the delegation token that the user logged in with: get a new one"
}

func fatalHint(e *kerr.Error) string {
	switch e {
	case kerr.UnsupportedVersion, kerr.UnsupportedForMessageFormat, kerr.UnsupportedAssignor:
		return "the broker is too old for what is asked of it: penstock needs Apache Kafka 2.5 or later"
	case kerr.UnsupportedCompressionType:
		return "the broker does not know this compression: choose another sink.compression"
	case kerr.InvalidSessionTimeout:
		return "source.session_timeout is outside the broker's group.min.session.timeout.ms and group.max.session.timeout.ms"
	case kerr.InvalidTransactionTimeout:
		return "transaction_timeout is above the broker's transaction.max.timeout.ms"
	case kerr.InconsistentGroupProtocol:
		return "the group has members of another kind of program: give the pipeline a source.group of its own"
	case kerr.InvalidRecord:
		return "the topic refuses the record: with cleanup.policy=compact it wants a key on each"
	case kerr.InvalidTimestamp:
		return "the topic refuses the record's time: see its message.timestamp.before.max.ms and after.max.ms"
	case kerr.MismatchedEndpointType, kerr.UnsupportedEndpointType:
		return "this is a controller's port: give brokers as broker.kafka.bootstrap_servers"
	}
	return ""
}
