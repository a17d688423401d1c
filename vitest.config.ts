import { defineConfig } from 'vitest/config'

const MINUTE = 60_000

export default defineConfig({
  test: {
    // Real parts throughout: child processes, disks, native code. Two cores must do for all of it.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 2 * MINUTE,
    hookTimeout: 2 * MINUTE,
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
          testTimeout: 15 * MINUTE,
          hookTimeout: 15 * MINUTE,
          fileParallelism: false,
        },
      },
    ],
  },
})
