/** The part of the SDK that writes declarations. A module of its own: a bundler keeps everything of an import(). */
export {
  DeleteParameterCommand,
  GetParameterCommand,
  ParameterTier,
  ParameterType,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
