/**
 * Milliseconds of CPU that this thread has taken: for tests of what must not hang, whose judgement must not depend on what
 * else the machine does. What runs in the thread pool is not counted.
 */
export function cpuTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
