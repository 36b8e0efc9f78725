/** The part of the SDK that is loaded with the first deployment. A module of its own: a bundler keeps everything of an import(). */
export { ECSClient, UpdateServiceCommand } from '@aws-sdk/client-ecs';
