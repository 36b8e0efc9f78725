/** The part of the SDK that is loaded with the first event. A module of its own: a bundler keeps everything of an import(). */
export { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
