// A reporter for vitest: writes what went wrong outside every test, which the JSON report leaves out.
import { writeFileSync } from 'node:fs'

export default class UnhandledErrors {
  onTestRunEnd(_files, errors) {
    const texts = errors.map(
      (error) => `${error.VITEST_TEST_PATH ?? 'outside a file'}: ${error.stack ?? error.message}`,
    )
    writeFileSync(process.env.VICINAL_UNHANDLED_ERRORS, JSON.stringify(texts))
  }
}
