import { pythonWith } from './python.ts';
import type { Tool } from './tool.ts';

/** Returns a Python with the AWS CLI, or what is missing: `<python> -m awscli`. Never throws. */
export const awsCli = (): Promise<Tool> =>
  pythonWith({ name: 'aws-cli', requirements: 'requirements-aws-cli.txt', what: 'the AWS CLI' });
