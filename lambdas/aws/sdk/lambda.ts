/** What of the SDK is loaded with the first call of a function. A module of its own, as a bundler keeps all of an import(). */
export { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
