/**
 * Milliseconds of CPU time of this thread. Tests that look for a hang use it, so that other load on the machine does not
 * change their result. Work in the thread pool is not counted.
 */
export function cpuTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
