/** The part of the SDK that is loaded with the first KMS key. A module of its own: a bundler keeps everything of an import(). */
export { GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
