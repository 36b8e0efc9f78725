/** What of the SDK is loaded when the first key in KMS is met. A module of its own, as a bundler keeps all of an import(). */
export { GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
