/** The meanings of AWS's errors, by their names. */
import type { ErrorCode } from '../domain/errors.ts';

export const awsServices = {
  secrets: 'Secrets Manager',
  kms: 'KMS',
  sqs: 'SQS',
  ssm: 'SSM',
  events: 'EventBridge',
  acm: 'ACM',
  ecs: 'ECS',
  route53: 'Route 53',
  cloudformation: 'CloudFormation',
  lambda: 'Lambda',
  scheduler: 'EventBridge Scheduler',
  logs: 'CloudWatch Logs',
  sns: 'SNS',
} as const;
export type AwsServiceName = keyof typeof awsServices;

/** The call that failed: for the message, and because a name has different meanings at different services. */
export interface AwsCall {
  readonly service: AwsServiceName;
  /** Name of the action in AWS's API, such as `GetSecretValue`. */
  readonly action: string;
  /** Name or ARN of the secret, key, queue … */
  readonly resource: string;
}

/** A meaning. `todo` completes "<service> refused <action> on <resource>: …". */
export interface Meaning {
  readonly code: ErrorCode;
  /** Whether a deployment can give this permission. */
  readonly settles?: boolean;
  readonly todo: string;
}

interface Row extends Meaning {
  readonly names: readonly string[];
  /** The services where these names have this meaning. Default: all. */
  readonly at?: readonly AwsServiceName[];
  readonly action?: string;
  /** A pattern for AWS's text, if a name has several meanings. */
  readonly text?: RegExp;
}

const again = 'this passes by itself, and the call is tried again';
const keyPolicy = "allow it to the function's role in the key's policy and in the stack's encryptionKeys";

/** The first row that matches gives the meaning. */
const table: readonly Row[] = [
  {
    names: ['AccessDeniedException', 'AccessDenied'],
    at: ['secrets'],
    text: /^Access to KMS|not authorized to perform: kms:/,
    code: 'KmsDenied',
    settles: true, // by encryptionKeys; a key that signs must be tagged by the user
    todo: `the secret is encrypted with a key that may not be used: ${keyPolicy}`,
  },
  {
    names: ['AccessDeniedException', 'AccessDenied', 'AccessDeniedFault', 'NotAuthorized', 'UnauthorizedOperation'],
    at: ['kms'],
    code: 'KmsDenied',
    todo: "allow it to the function's role in the key's policy, and tag the key with cert-renewer:profile",
  },
  {
    names: ['AccessDeniedException', 'AccessDenied'],
    at: ['route53'],
    code: 'AccessDenied',
    todo: "the function's role may change TXT records _acme-challenge.* in the zones of the profile's challenge: name this zone there and deploy, or allow it to the role",
  },
  {
    names: ['AccessDeniedException', 'AccessDenied'],
    at: ['acm'],
    action: 'GetAcmeExternalAccountBindingCredentials',
    code: 'AccessDenied',
    todo: "name this binding as eabBinding of a profile and deploy, or allow it to the function's role",
  },
  {
    names: ['AccessDeniedException', 'AccessDenied', 'AccessDeniedFault', 'NotAuthorized', 'UnauthorizedOperation'],
    code: 'AccessDenied',
    todo: "allow it to the function's role (it covers only secrets with the tag cert-renewer:profile), and check the resource's own policy",
  },
  {
    names: [
      'CredentialsProviderError',
      'ExpiredToken',
      'ExpiredTokenException',
      'IncompleteSignature',
      'InvalidClientTokenId',
      'InvalidSignatureException',
      'MissingAuthenticationToken',
      'MissingAuthenticationTokenException',
      'OptInRequired',
      'RequestExpired',
      'SignatureDoesNotMatch',
      'UnrecognizedClientException',
    ],
    code: 'AccessDenied',
    todo: 'the credentials are missing, expired or not valid in this Region: restore the role of the function',
  },
  {
    names: ['ResourceNotFoundException'],
    at: ['secrets'],
    text: /specified secret (?:value|version)/,
    code: 'SecretNotFound',
    todo: 'the secret has no value there: store one first, or name an existing version',
  },
  {
    names: ['ResourceNotFoundException'],
    at: ['secrets'],
    code: 'SecretNotFound',
    todo: 'there is no such secret in this account and Region: check the name or ARN',
  },
  {
    names: ['InvalidRequestException'],
    at: ['secrets'],
    text: /deletion|deleted/,
    code: 'SecretNotFound',
    todo: 'the secret is scheduled for deletion: restore it first, or name another',
  },
  {
    names: ['InvalidRequestException'],
    at: ['secrets'],
    text: /replica/,
    code: 'InvalidRequest',
    todo: 'the secret is a replica: write to it in its primary Region',
  },
  {
    names: ['ResourceExistsException'],
    at: ['secrets'],
    code: 'SecretChanged',
    todo: 'a version with this id and other content exists already: read the secret and decide again',
  },
  {
    names: ['InvalidParameterException'],
    at: ['secrets'],
    action: 'TagResource',
    code: 'UnsupportedSecret',
    todo: 'the secret can have no more tags (50 at most): remove some that are not needed',
  },
  {
    names: ['LimitExceededException'],
    at: ['secrets'],
    code: 'UnsupportedSecret',
    todo: 'the secret has reached a quota of Secrets Manager (50 tags, 100 versions): remove tags or versions that are not needed',
  },
  {
    names: ['DecryptionFailure', 'EncryptionFailure'],
    at: ['secrets'],
    code: 'KmsDenied',
    todo: 'the KMS key of the secret is missing, disabled or may not be used: enable it, or give the secret another',
  },
  {
    names: [
      'KmsAccessDenied',
      'KmsDisabled',
      'KmsInvalidKeyUsage',
      'KmsInvalidState',
      'KmsNotFound',
      'KmsOptInRequired',
    ],
    code: 'KmsDenied',
    todo: "the queue's own KMS key may not be used: enable it, or allow it to the function's role",
  },
  {
    names: ['DisabledException', 'KMSInvalidStateException'],
    at: ['kms'],
    code: 'KmsDenied',
    todo: 'the key is disabled, pending deletion or not there yet: enable it',
  },
  {
    names: ['NotFoundException'],
    at: ['kms'],
    code: 'KmsDenied',
    todo: 'there is no such key in this account and Region: check its ARN, id or alias',
  },
  {
    names: ['InvalidKeyUsageException', 'InvalidGrantTokenException'],
    at: ['kms'],
    code: 'KmsDenied',
    todo: 'the key may not be used for that: give one whose key usage is SIGN_VERIFY',
  },
  {
    names: ['UnsupportedOperationException', 'InvalidArnException'],
    at: ['kms'],
    code: 'InvalidRequest',
    todo: "this key can't sign: give the ARN, id or alias of an asymmetric key whose key usage is SIGN_VERIFY",
  },
  {
    names: ['DependencyTimeoutException', 'KMSInternalException', 'KeyUnavailableException', 'LimitExceededException'],
    at: ['kms'],
    code: 'KmsUnavailable',
    todo: again,
  },
  {
    names: ['ResourceNotFoundException', 'InvalidArnException', 'ValidationException'],
    at: ['acm'],
    action: 'GetAcmeExternalAccountBindingCredentials',
    code: 'InvalidRequest',
    todo: 'there is no such external account binding in this account and Region: correct its ARN in the profile and deploy',
  },
  {
    names: ['ResourceNotFoundException', 'InvalidArnException'],
    at: ['acm'],
    code: 'InvalidRequest',
    todo: "there is no such certificate in this account and Region: correct the hook's ARN and deploy",
  },
  {
    names: ['ValidationException', 'InvalidParameterException', 'LimitExceededException'],
    at: ['acm'],
    code: 'InvalidRequest',
    todo: 'it does not accept this certificate, key or chain, or a quota is reached: see which keys ACM can import',
  },
  // https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
  {
    names: ['ClusterNotFoundException', 'ServiceNotFoundException'],
    at: ['ecs'],
    code: 'InvalidRequest',
    todo: "there is no such service in this account and Region: correct <cluster>/<service> in the hook's services and deploy",
  },
  {
    names: ['ServiceNotActiveException'],
    at: ['ecs'],
    code: 'InvalidRequest',
    todo: "the service was deleted: create it again, or remove it from the hook's services and deploy",
  },
  {
    names: ['InvalidParameterException', 'ClientException'],
    at: ['ecs'],
    // Five unfinished deployments of a service are the most: https://github.com/aws/containers-roadmap/issues/2836
    text: /deployments exist|concurrent/,
    code: 'Throttled',
    todo: 'other deployments of this service are not complete yet, and the call is tried again',
  },
  {
    names: [
      'ClientException',
      'InvalidParameterException',
      'PlatformTaskDefinitionIncompatibilityException',
      'PlatformUnknownException',
      'UnsupportedFeatureException',
    ],
    at: ['ecs'],
    code: 'InvalidRequest',
    todo: 'this service does not accept a new deployment: its deployment controller must be ECS; for another one, use a hook of type lambda',
  },
  {
    names: ['NoSuchHostedZone'],
    at: ['route53'],
    code: 'InvalidRequest',
    todo: "there is no such hosted zone: correct its id in the profile's challenge and deploy",
  },
  {
    names: ['InvalidDomainName', 'InvalidInput', 'InvalidArgument'],
    at: ['route53'],
    code: 'InvalidRequest',
    todo: "it does not accept the name of a record or the id of the zone: correct the names of the certificate, or the id in the profile's challenge",
  },
  {
    names: ['NoSuchChange'],
    at: ['route53'],
    code: 'Internal',
    todo: 'it does not know this change: renew again, which makes another',
  },
  {
    names: ['ResourceNotFoundException'],
    at: ['lambda'],
    code: 'InvalidRequest',
    todo: "there is no such function, version or alias in this account and Region: correct the hook's ARN and deploy",
  },
  {
    names: ['ParameterLimitExceeded'],
    at: ['ssm'],
    code: 'InvalidRequest',
    todo: 'the account has reached its quota of parameters in this Region: ask AWS for more, or remove some',
  },
  {
    names: ['InvalidDocument', 'InvalidDocumentVersion', 'InvalidParameters'],
    at: ['ssm'],
    code: 'Internal',
    todo: "the hook's document is missing or changed: deploy the stack again",
  },
  {
    names: [
      'AWS.SimpleQueueService.NonExistentQueue',
      'QueueDoesNotExist',
      'ResourceNotFoundException',
      'NotFoundException',
    ],
    at: ['sqs', 'events', 'sns'],
    code: 'Internal',
    todo: 'a part of the stack is missing: deploy the stack again',
  },
];

/** AWS's names for throttling. Also all names that begin with Throttl, and every 429. */
const busy = new Set([
  'BandwidthLimitExceeded',
  'EC2ThrottledException',
  'KmsThrottled',
  'OverLimit',
  'PriorRequestNotComplete', // Route 53 still makes another change of the zone
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'TooManyRequestsException',
]);
/** AWS's names for temporary errors. Also throttling, every 5xx and every network error. */
const passing = new Set([
  'InternalError',
  'InternalException',
  'InternalFailure',
  'InternalServerError',
  'InternalServiceError',
  'InternalServiceErrorException',
  'RequestTimeout',
  'RequestTimeoutException',
  'ServerException', // ECS
  'ServiceException',
  'ServiceUnavailable',
  'ServiceUnavailableException',
  'TimeoutError',
  'TooManyUpdates', // several of one parameter at the same time
]);
export const networkCodes = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);
/** The name, AWS's text, HTTP status and system error code of a thrown value, if it has them. */
export interface Facts {
  readonly name: string;
  readonly text: string;
  readonly status: number | undefined;
  readonly systemCode: string | undefined;
}
/** Returns the meaning of an error; undefined if it has no row and is not temporary. */
export function meaningOf(facts: Facts, { service, action }: AwsCall): Meaning | undefined {
  const row = table.find(
    (each) =>
      each.names.includes(facts.name) &&
      (each.at?.includes(service) ?? true) &&
      (each.action ?? action) === action &&
      (each.text?.test(facts.text) ?? true),
  );
  if (row) return row;
  if (isPassing(facts)) return { code: service === 'kms' ? 'KmsUnavailable' : 'Throttled', todo: again };
  if (facts.status === 401 || facts.status === 403) {
    return { code: service === 'kms' ? 'KmsDenied' : 'AccessDenied', todo: "allow it to the function's role" };
  }
  return undefined;
}

function isPassing(facts: Facts): boolean {
  const { name, status, systemCode } = facts;
  if (isBusy(facts) || passing.has(name)) return true;
  if (systemCode !== undefined && networkCodes.has(systemCode)) return true;
  return status !== undefined && status >= 500;
}

/** Whether an error is throttling: the service works but accepts no more calls at the moment. */
export function isBusy({ name, status }: Facts): boolean {
  return busy.has(name) || name.startsWith('Throttl') || status === 429;
}
