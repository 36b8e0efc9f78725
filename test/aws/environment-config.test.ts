import { loadConfig as sdkLoadConfig } from '@smithy/core/config';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  loadConfig,
  NODE_REGION_CONFIG_OPTIONS,
  NODE_USE_FIPS_ENDPOINT_CONFIG_OPTIONS,
  resolveDefaultsModeConfig,
} from '../../lambdas/aws/environment-config.ts';

afterEach(() => vi.unstubAllEnvs());

describe('a setting of the SDK', () => {
  test('comes from the environment, without a look at any file', async () => {
    vi.stubEnv('AWS_REGION', 'eu-central-1');
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null/none'); // which the SDK's own could not even open
    expect(await loadConfig(NODE_REGION_CONFIG_OPTIONS)()).toBe('eu-central-1');
  });

  test.each([['true'], ['false'], [undefined], ['perhaps']])('is what the SDK takes it for: FIPS %s', async (value) => {
    vi.stubEnv('AWS_USE_FIPS_ENDPOINT', value);
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null/none');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null/none');
    const ours = await loadConfig(NODE_USE_FIPS_ENDPOINT_CONFIG_OPTIONS)();
    expect(ours).toBe(await sdkLoadConfig(NODE_USE_FIPS_ENDPOINT_CONFIG_OPTIONS)());
  });

  test('is its default where the environment is silent, be it a value, a function or a promise', async () => {
    const silent = () => undefined;
    expect(await loadConfig({ environmentVariableSelector: silent, default: 'a' })()).toBe('a');
    expect(await loadConfig({ environmentVariableSelector: silent, default: () => 'b' })()).toBe('b');
    expect(await loadConfig({ environmentVariableSelector: silent, default: async () => 'c' })()).toBe('c');
  });

  test('that has no default fails as the SDK’s does', async () => {
    vi.stubEnv('AWS_REGION', undefined);
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null/none');
    await expect(loadConfig(NODE_REGION_CONFIG_OPTIONS)()).rejects.toThrow('Region is missing');
  });

  test('is looked for once', async () => {
    const select = vi.fn(() => 'x');
    const config = loadConfig({ environmentVariableSelector: select, default: 'y' });
    expect([await config(), await config()]).toEqual(['x', 'x']);
    expect(select).toHaveBeenCalledTimes(1);
  });
});

test('the mode of defaults is the one that every client is built with', async () => {
  expect(await resolveDefaultsModeConfig()()).toBe('standard');
});
