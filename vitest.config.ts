import { defineConfig } from 'vitest/config'

const MINUTE = 60_000

export default defineConfig({
  test: {
    // Real parts throughout: child processes, disks, native code. Two cores must do for all of it, and on them half of the
    // time of two workers is waiting.
    pool: 'forks',
    maxWorkers: 3,
    // Limits are for what hangs: slow machines take several times as long as others.
    testTimeout: 10 * MINUTE,
    hookTimeout: 10 * MINUTE,
    // Set by continuous integration alone, which tells at its end what passed only then.
    retry: Number(process.env.VICINAL_TEST_RETRY ?? 0),
    // A poll ends before its test, so that the failure names the value it waited for.
    expect: { poll: { timeout: 5 * MINUTE } },
    projects: [
      {
        extends: true,
        test: { name: 'main', include: ['test/**/*.test.ts'], exclude: ['test/packaging/**', '**/node_modules/**'] },
      },
      {
        extends: true,
        test: {
          name: 'packaging',
          include: ['test/packaging/**/*.test.ts'],
          testTimeout: 60 * MINUTE,
          hookTimeout: 60 * MINUTE,
          fileParallelism: false,
        },
      },
    ],
  },
})
