import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ForwardedRequests } from '../../../src/serving/forwarded-requests.js'

test('the socket has its name only once it takes connections, or another process would remove its folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-forwarded-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'main')
  // No request is sent, so that no service is needed.
  const forwarded = new ForwardedRequests({} as never, { requestTimeoutMs: 1_000, headersTimeoutMs: 1_000 } as never)
  const listening = forwarded.listen(path)
  expect(existsSync(path)).toBe(false)
  await listening
  await new Promise<void>((resolve, reject) => {
    const probe = connect(path, () => resolve(void probe.destroy())).on('error', reject)
  })
  await forwarded.close(0)
})
