/** The part of the SDK that is loaded with the first change of a zone. A module of its own: a bundler keeps everything of an import(). */
export {
  ChangeResourceRecordSetsCommand,
  GetChangeCommand,
  ListResourceRecordSetsCommand,
  Route53Client,
} from '@aws-sdk/client-route-53';
