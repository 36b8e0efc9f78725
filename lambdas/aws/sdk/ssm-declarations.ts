/** What of the SDK is loaded where declarations are written. A module of its own, as a bundler keeps all of an import(). */
export {
  DeleteParameterCommand,
  GetParameterCommand,
  ParameterTier,
  ParameterType,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
