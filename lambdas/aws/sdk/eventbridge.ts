/** What of the SDK is loaded with the first event. A module of its own, as a bundler keeps all of an import(). */
export { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
