import type { ServiceName } from '../../cloud.ts';

/** One service of the AWS SDK integrations: what its API and its errors are called. */
export interface SdkService {
  readonly name: ServiceName;
  /** The class prefix of the SDK for Java 2, before the dot of an error's name. */
  readonly prefix: string;
  readonly operations: ReadonlySet<string>;
  readonly errors: ReadonlySet<string>;
  /** Members of answers that are times: epoch seconds on the wire, ISO 8601 text in a task's result. */
  readonly times: ReadonlySet<string>;
}

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** By the name in `arn:aws:states:::aws-sdk:<name>:<operation>`. */
export const SDK_SERVICES: Readonly<Record<string, SdkService>> = {
  dynamodb: {
    name: 'dynamodb',
    prefix: 'DynamoDb',
    operations: words(`
      BatchExecuteStatement BatchGetItem BatchWriteItem CancelBulkOperation CreateBackup CreateGlobalTable
      CreateTable DeleteBackup DeleteItem DeleteResourcePolicy DeleteTable DescribeBackup DescribeBulkOperation
      DescribeContinuousBackups DescribeContributorInsights DescribeEndpoints DescribeExport DescribeGlobalTable
      DescribeGlobalTableSettings DescribeImport DescribeKinesisStreamingDestination DescribeLimits DescribeTable
      DescribeTableReplicaAutoScaling DescribeTimeToLive DisableKinesisStreamingDestination
      EnableKinesisStreamingDestination ExecuteStatement ExecuteTransaction ExportTableToPointInTime GetItem
      GetResourcePolicy ImportTable ListBackups ListBulkOperations ListContributorInsights ListExports
      ListGlobalTables ListImports ListTables ListTagsOfResource PutItem PutResourcePolicy Query
      RestoreTableFromBackup RestoreTableToPointInTime Scan SearchVectors StartBulkPutItems TagResource
      TransactGetItems TransactWriteItems UntagResource UpdateContinuousBackups UpdateContributorInsights
      UpdateGlobalTable UpdateGlobalTableSettings UpdateItem UpdateKinesisStreamingDestination UpdateTable
      UpdateTableReplicaAutoScaling UpdateTimeToLive
    `),
    errors: words(`
      BackupInUseException BackupNotFoundException ConditionalCheckFailedException
      ContinuousBackupsUnavailableException DuplicateItemException ExportConflictException ExportNotFoundException
      GlobalTableAlreadyExistsException GlobalTableNotFoundException IdempotentParameterMismatchException
      ImportConflictException ImportNotFoundException IndexNotFoundException InternalServerError
      InvalidEndpointException InvalidExportTimeException InvalidRestoreTimeException
      ItemCollectionSizeLimitExceededException LimitExceededException PointInTimeRecoveryUnavailableException
      PolicyNotFoundException ProvisionedThroughputExceededException ReplicaAlreadyExistsException
      ReplicaNotFoundException ReplicatedWriteConflictException RequestLimitExceeded ResourceInUseException
      ResourceNotFoundException TableAlreadyExistsException TableInUseException TableNotFoundException
      ThrottlingException TransactionCanceledException TransactionConflictException TransactionInProgressException
    `),
    times: words('CreationDateTime LastUpdateToPayPerRequestDateTime LastIncreaseDateTime LastDecreaseDateTime'),
  },
  s3: {
    name: 's3',
    prefix: 'S3',
    operations: words(`
      AbortMultipartUpload CompleteMultipartUpload CopyObject CreateBucket CreateBucketMetadataConfiguration
      CreateBucketMetadataTableConfiguration CreateMultipartUpload CreateSession DeleteBucket
      DeleteBucketAnalyticsConfiguration DeleteBucketCors DeleteBucketEncryption
      DeleteBucketIntelligentTieringConfiguration DeleteBucketInventoryConfiguration DeleteBucketLifecycle
      DeleteBucketMetadataConfiguration DeleteBucketMetadataTableConfiguration DeleteBucketMetricsConfiguration
      DeleteBucketOwnershipControls DeleteBucketPolicy DeleteBucketReplication DeleteBucketTagging
      DeleteBucketWebsite DeleteObject DeleteObjectAnnotation DeleteObjectTagging DeleteObjects
      DeletePublicAccessBlock GetBucketAbac GetBucketAccelerateConfiguration GetBucketAcl
      GetBucketAnalyticsConfiguration GetBucketCors GetBucketEncryption GetBucketIntelligentTieringConfiguration
      GetBucketInventoryConfiguration GetBucketLifecycleConfiguration GetBucketLocation GetBucketLogging
      GetBucketMetadataConfiguration GetBucketMetadataTableConfiguration GetBucketMetricsConfiguration
      GetBucketNotificationConfiguration GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus
      GetBucketReplication GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite GetObject
      GetObjectAcl GetObjectAnnotation GetObjectAttributes GetObjectLegalHold GetObjectLockConfiguration
      GetObjectRetention GetObjectTagging GetObjectTorrent GetPublicAccessBlock HeadBucket HeadObject
      ListBucketAnalyticsConfigurations ListBucketIntelligentTieringConfigurations
      ListBucketInventoryConfigurations ListBucketMetricsConfigurations ListBuckets ListDirectoryBuckets
      ListMultipartUploads ListObjectAnnotations ListObjectVersions ListObjects ListObjectsV2 ListParts
      PutBucketAbac PutBucketAccelerateConfiguration PutBucketAcl PutBucketAnalyticsConfiguration PutBucketCors
      PutBucketEncryption PutBucketIntelligentTieringConfiguration PutBucketInventoryConfiguration
      PutBucketLifecycleConfiguration PutBucketLogging PutBucketMetricsConfiguration
      PutBucketNotificationConfiguration PutBucketOwnershipControls PutBucketPolicy PutBucketReplication
      PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite PutObject PutObjectAcl
      PutObjectAnnotation PutObjectLegalHold PutObjectLockConfiguration PutObjectRetention PutObjectTagging
      PutPublicAccessBlock RenameObject RestoreObject SelectObjectContent
      UpdateBucketMetadataAnnotationTableConfiguration UpdateBucketMetadataInventoryTableConfiguration
      UpdateBucketMetadataJournalTableConfiguration UpdateObjectEncryption UploadPart UploadPartCopy
      WriteGetObjectResponse
    `),
    errors: words(`
      AccessDenied AnnotationLimitExceeded AnnotationNameTooLong BucketAlreadyExists BucketAlreadyOwnedByYou
      EncryptionTypeMismatch IdempotencyParameterMismatch InvalidAnnotationName InvalidObjectState InvalidPrefix
      InvalidRequest InvalidWriteOffset NoSuchAnnotation NoSuchBucket NoSuchKey NoSuchUpload NotFound
      ObjectAlreadyInActiveTierError ObjectNotInActiveTierError TooManyParts UnsupportedMediaType
    `),
    times: words('LastModified CreationDate Initiated'),
  },
  eventbridge: {
    name: 'events',
    prefix: 'EventBridge',
    operations: words(`
      ActivateEventSource CancelReplay CreateApiDestination CreateArchive CreateConnection CreateEndpoint
      CreateEventBus CreatePartnerEventSource DeactivateEventSource DeauthorizeConnection DeleteApiDestination
      DeleteArchive DeleteConnection DeleteEndpoint DeleteEventBus DeletePartnerEventSource DeleteRule
      DescribeApiDestination DescribeArchive DescribeConnection DescribeEndpoint DescribeEventBus
      DescribeEventSource DescribePartnerEventSource DescribeReplay DescribeRule DisableRule EnableRule
      ListApiDestinations ListArchives ListConnections ListEndpoints ListEventBuses ListEventSources
      ListPartnerEventSourceAccounts ListPartnerEventSources ListReplays ListRuleNamesByTarget ListRules
      ListTagsForResource ListTargetsByRule PutEvents PutPartnerEvents PutPermission PutRule PutTargets
      RemovePermission RemoveTargets StartReplay TagResource TestEventPattern UntagResource UpdateApiDestination
      UpdateArchive UpdateConnection UpdateEndpoint UpdateEventBus
    `),
    errors: words(`
      AccessDeniedException ConcurrentModificationException IllegalStatusException InternalException
      InvalidEventPatternException InvalidStateException LimitExceededException ManagedRuleException
      OperationDisabledException PolicyLengthExceededException ResourceAlreadyExistsException
      ResourceNotFoundException ThrottlingException
    `),
    times: words(
      'CreationTime LastModifiedTime EventStartTime EventEndTime EventLastReplayedTime ReplayStartTime ReplayEndTime',
    ),
  },
  sqs: {
    name: 'sqs',
    prefix: 'Sqs',
    operations: words(`
      AddPermission CancelMessageMoveTask ChangeMessageVisibility ChangeMessageVisibilityBatch CreateQueue
      DeleteMessage DeleteMessageBatch DeleteQueue GetQueueAttributes GetQueueUrl ListDeadLetterSourceQueues
      ListMessageMoveTasks ListQueueTags ListQueues PurgeQueue ReceiveMessage RemovePermission SendMessage
      SendMessageBatch SetQueueAttributes StartMessageMoveTask TagQueue UntagQueue
    `),
    errors: words(`
      BatchEntryIdsNotDistinct BatchRequestTooLong EmptyBatchRequest InvalidAddress InvalidAttributeName
      InvalidAttributeValue InvalidBatchEntryId InvalidIdFormat InvalidMessageContents InvalidSecurity
      KmsAccessDenied KmsDisabled KmsInvalidKeyUsage KmsInvalidState KmsNotFound KmsOptInRequired KmsThrottled
      MessageNotInflight OverLimit PurgeQueueInProgress QueueDeletedRecently QueueDoesNotExist QueueNameExists
      ReceiptHandleIsInvalid RequestThrottled ResourceNotFoundException TooManyEntriesInBatchRequest
      UnsupportedOperation
    `),
    times: words(''),
  },
  athena: {
    name: 'athena',
    prefix: 'Athena',
    operations: words(`
      BatchGetNamedQuery BatchGetPreparedStatement BatchGetQueryExecution CancelCapacityReservation
      CreateCapacityReservation CreateDataCatalog CreateNamedQuery CreateNotebook CreatePreparedStatement
      CreatePresignedNotebookUrl CreateSystemTableConfiguration CreateWorkGroup DeleteCapacityReservation
      DeleteDataCatalog DeleteNamedQuery DeleteNotebook DeletePreparedStatement DeleteSystemTableConfiguration
      DeleteWorkGroup ExportNotebook GetCalculationExecution GetCalculationExecutionCode
      GetCalculationExecutionStatus GetCapacityAssignmentConfiguration GetCapacityReservation GetDataCatalog
      GetDatabase GetNamedQuery GetNotebookMetadata GetPreparedStatement GetQueryExecution GetQueryResults
      GetQueryRuntimeStatistics GetResourceDashboard GetSession GetSessionEndpoint GetSessionStatus
      GetSystemTableConfiguration GetTableMetadata GetWorkGroup ImportNotebook ListApplicationDPUSizes
      ListCalculationExecutions ListCapacityReservations ListDataCatalogs ListDatabases ListEngineVersions
      ListExecutors ListNamedQueries ListNotebookMetadata ListNotebookSessions ListPreparedStatements
      ListQueryExecutions ListSessions ListSystemTableStatuses ListTableMetadata ListTagsForResource
      ListWorkGroups PutCapacityAssignmentConfiguration StartCalculationExecution StartQueryExecution StartSession
      StopCalculationExecution StopQueryExecution TagResource TerminateSession UntagResource
      UpdateCapacityReservation UpdateDataCatalog UpdateNamedQuery UpdateNotebook UpdateNotebookMetadata
      UpdatePreparedStatement UpdateSystemTableConfiguration UpdateWorkGroup
    `),
    errors: words(`
      InternalServerException InvalidRequestException MetadataException ResourceNotFoundException
      SessionAlreadyExistsException TooManyRequestsException
    `),
    times: words('SubmissionDateTime CompletionDateTime CreationTime LastModifiedTime'),
  },
  lambda: {
    name: 'lambda',
    prefix: 'Lambda',
    operations: words(`
      AddLayerVersionPermission AddPermission CheckpointDurableExecution CreateAlias CreateCapacityProvider
      CreateCodeSigningConfig CreateEventSourceMapping CreateFunction CreateFunctionUrlConfig DeleteAlias
      DeleteCapacityProvider DeleteCodeSigningConfig DeleteEventSourceMapping DeleteFunction
      DeleteFunctionCodeSigningConfig DeleteFunctionConcurrency DeleteFunctionEventInvokeConfig
      DeleteFunctionUrlConfig DeleteLayerVersion DeleteProvisionedConcurrencyConfig DeleteResourcePolicy
      GetAccountSettings GetAlias GetCapacityProvider GetCodeSigningConfig GetDurableExecution
      GetDurableExecutionHistory GetDurableExecutionState GetEventSourceMapping GetFunction
      GetFunctionCodeSigningConfig GetFunctionConcurrency GetFunctionConfiguration GetFunctionEventInvokeConfig
      GetFunctionRecursionConfig GetFunctionScalingConfig GetFunctionUrlConfig GetLayerVersion
      GetLayerVersionByArn GetLayerVersionPolicy GetPolicy GetProvisionedConcurrencyConfig GetResourcePolicy
      GetRuntimeManagementConfig Invoke InvokeAsync InvokeWithResponseStream ListAliases ListCapacityProviders
      ListCodeSigningConfigs ListDurableExecutionsByFunction ListEventSourceMappings
      ListFunctionEventInvokeConfigs ListFunctionUrlConfigs ListFunctionVersionsByCapacityProvider ListFunctions
      ListFunctionsByCodeSigningConfig ListLayerVersions ListLayers ListProvisionedConcurrencyConfigs ListTags
      ListVersionsByFunction PublishLayerVersion PublishVersion PutFunctionCodeSigningConfig
      PutFunctionConcurrency PutFunctionEventInvokeConfig PutFunctionRecursionConfig PutFunctionScalingConfig
      PutProvisionedConcurrencyConfig PutResourcePolicy PutRuntimeManagementConfig RemoveLayerVersionPermission
      RemovePermission SendDurableExecutionCallbackFailure SendDurableExecutionCallbackHeartbeat
      SendDurableExecutionCallbackSuccess StopDurableExecution TagResource UntagResource UpdateAlias
      UpdateCapacityProvider UpdateCodeSigningConfig UpdateEventSourceMapping UpdateFunctionCode
      UpdateFunctionConfiguration UpdateFunctionEventInvokeConfig UpdateFunctionUrlConfig
    `),
    errors: words(`
      AliasLimitExceededException CallbackTimeoutException CapacityProviderLimitExceededException
      CodeArtifactUserDeletedException CodeArtifactUserFailedException CodeArtifactUserPendingException
      CodeSigningConfigNotFoundException CodeStorageExceededException CodeVerificationFailedException
      DurableExecutionAlreadyStartedException EC2AccessDeniedException EC2ThrottledException
      EC2UnexpectedException EFSIOException EFSMountConnectivityException EFSMountFailureException
      EFSMountTimeoutException ENILimitReachedException ENINotReadyException
      FunctionVersionsPerCapacityProviderLimitExceededException InvalidCodeSignatureException
      InvalidParameterValueException InvalidRequestContentException InvalidRuntimeException
      InvalidSecurityGroupIDException InvalidSubnetIDException InvalidZipFileException KMSAccessDeniedException
      KMSDisabledException KMSInvalidStateException KMSNotFoundException ModeNotSupportedException
      NoPublishedVersionException PolicyLengthExceededException PreconditionFailedException
      ProvisionedConcurrencyConfigNotFoundException PublicPolicyException RecursiveInvocationException
      RequestTooLargeException ResourceConflictException ResourceInUseException ResourceNotFoundException
      ResourceNotReadyException S3FilesMountConnectivityException S3FilesMountFailureException
      S3FilesMountTimeoutException SerializedRequestEntityTooLargeException ServiceException
      ServiceQuotaExceededException SnapStartException SnapStartNotReadyException
      SnapStartRegenerationFailureException SnapStartTimeoutException SubnetIPAddressLimitReachedException
      TooManyRequestsException UnsupportedMediaTypeException
    `),
    times: words(''),
  },
  sfn: {
    name: 'states',
    prefix: 'Sfn',
    operations: words(`
      CreateActivity CreateStateMachine CreateStateMachineAlias DeleteActivity DeleteStateMachine
      DeleteStateMachineAlias DeleteStateMachineVersion DescribeActivity DescribeExecution DescribeMapRun
      DescribeStateMachine DescribeStateMachineAlias DescribeStateMachineForExecution GetActivityTask
      GetExecutionHistory ListActivities ListExecutions ListMapRuns ListStateMachineAliases
      ListStateMachineVersions ListStateMachines ListTagsForResource PublishStateMachineVersion RedriveExecution
      SendTaskFailure SendTaskHeartbeat SendTaskSuccess StartExecution StartSyncExecution StopExecution
      TagResource TestState UntagResource UpdateMapRun UpdateStateMachine UpdateStateMachineAlias
      ValidateStateMachineDefinition
    `),
    errors: words(`
      ActivityAlreadyExists ActivityDoesNotExist ActivityLimitExceeded ActivityWorkerLimitExceeded
      ConflictException ExecutionAlreadyExists ExecutionDoesNotExist ExecutionLimitExceeded ExecutionNotRedrivable
      InvalidArn InvalidDefinition InvalidEncryptionConfiguration InvalidExecutionInput
      InvalidLoggingConfiguration InvalidName InvalidOutput InvalidToken InvalidTracingConfiguration
      KmsAccessDeniedException KmsInvalidStateException KmsThrottlingException MissingRequiredParameter
      ResourceNotFound ServiceQuotaExceededException StateMachineAlreadyExists StateMachineDeleting
      StateMachineDoesNotExist StateMachineLimitExceeded StateMachineTypeNotSupported TaskDoesNotExist
      TaskTimedOut TooManyTags ValidationException
    `),
    times: words('startDate stopDate creationDate updateDate redriveDate timestamp'),
  },
  kinesis: {
    name: 'kinesis',
    prefix: 'Kinesis',
    operations: words(`
      AddTagsToStream CreateChannel CreateStream DecreaseStreamRetentionPeriod DeleteChannel DeleteResourcePolicy
      DeleteStream DeregisterStreamConsumer DescribeAccountSettings DescribeChannel DescribeLimits DescribeStream
      DescribeStreamConsumer DescribeStreamSummary DisableEnhancedMonitoring EnableEnhancedMonitoring GetRecords
      GetResourcePolicy GetShardIterator IncreaseStreamRetentionPeriod ListChannels ListShards ListStreamConsumers
      ListStreams ListTagsForResource ListTagsForStream MergeShards PutRecord PutRecords PutResourcePolicy
      RegisterStreamConsumer RemoveTagsFromStream SplitShard StartStreamEncryption StopStreamEncryption
      SubscribeToShard TagResource UntagResource UpdateAccountSettings UpdateChannel UpdateMaxRecordSize
      UpdateShardCount UpdateStreamMode UpdateStreamRecordDistributionStrategy UpdateStreamWarmThroughput
    `),
    errors: words(`
      AccessDeniedException DryRunOperationException ExpiredIteratorException ExpiredNextTokenException
      InternalFailureException InvalidArgumentException KMSAccessDeniedException KMSDisabledException
      KMSInvalidStateException KMSNotFoundException KMSOptInRequired KMSThrottlingException LimitExceededException
      ProvisionedThroughputExceededException ResourceInUseException ResourceNotFoundException ValidationException
    `),
    times: words('ApproximateArrivalTimestamp StreamCreationTimestamp ConsumerCreationTimestamp'),
  },
  firehose: {
    name: 'firehose',
    prefix: 'Firehose',
    operations: words(`
      CreateDeliveryStream DeleteDeliveryStream DescribeDeliveryStream ListDeliveryStreams
      ListTagsForDeliveryStream PutRecord PutRecordBatch StartDeliveryStreamEncryption
      StopDeliveryStreamEncryption TagDeliveryStream UntagDeliveryStream UpdateDestination
    `),
    errors: words(`
      ConcurrentModificationException InvalidArgumentException InvalidKMSResourceException InvalidSourceException
      LimitExceededException ResourceInUseException ResourceNotFoundException ServiceUnavailableException
    `),
    times: words('CreateTimestamp LastUpdateTimestamp'),
  },
  glue: {
    name: 'glue',
    prefix: 'Glue',
    operations: words(`
      BatchCreatePartition BatchDeletePartition BatchDeleteTable BatchGetPartition CreateDatabase CreatePartition
      CreateTable DeleteDatabase DeletePartition DeleteTable GetDatabase GetDatabases GetPartition GetPartitions
      GetTable GetTableVersion GetTableVersions GetTables SearchTables UpdateDatabase UpdatePartition UpdateTable
    `),
    errors: words(`
      AccessDeniedException AlreadyExistsException ConcurrentModificationException EntityNotFoundException
      GlueEncryptionException InternalServiceException InvalidInputException OperationTimeoutException
      ResourceNotReadyException ResourceNumberLimitExceededException ThrottlingException VersionMismatchException
    `),
    times: words('CreateTime UpdateTime LastAccessTime LastAnalyzedTime CreationTime'),
  },
};
