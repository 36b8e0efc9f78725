/** The part of the SDK that is loaded with the first call of a function. A module of its own: a bundler keeps everything of an import(). */
export { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
