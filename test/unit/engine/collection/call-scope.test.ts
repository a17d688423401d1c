import { expect, onTestFinished, test, vi } from 'vitest'
import { withInner } from '../../../../src/core/inner-call.js'
import { LIMITS } from '../../../../src/core/limits.js'
import { Stop } from '../../../../src/core/stop.js'
import { type CallScope, untilDone, withDeadline } from '../../../../src/engine/collection/call-scope.js'

/** Work that ends when it is told to, and its scope. */
function held() {
  let scope: CallScope | undefined
  let finish: (value: string) => void = () => {}
  const work = (given: CallScope) => {
    scope = given
    return new Promise<string>((resolve) => {
      finish = resolve
    })
  }
  return { work, finish: (value: string) => finish(value), scope: () => scope as CallScope }
}

test('a result that is ready at once is returned at once, without a listener', () => {
  const stop = new Stop()
  const listens = vi.spyOn(stop, 'onStop')
  expect(withDeadline(withInner({}, { stop }), () => 'done')).toBe('done')
  expect(listens).not.toHaveBeenCalled()
})

test('a call that was cancelled before it began does not begin', () => {
  const stop = new Stop()
  stop.stop()
  const work = vi.fn(() => 'done')
  expect(() => withDeadline(withInner({}, { stop }), work)).toThrow(expect.objectContaining({ code: 'CANCELLED' }))
  expect(() => withDeadline({ signal: AbortSignal.abort() }, work)).toThrow(
    expect.objectContaining({ code: 'CANCELLED' }),
  )
  expect(work).not.toHaveBeenCalled()
})

test('a stop, a signal and a deadline each end a call at once and cancel its work', async () => {
  const stop = new Stop()
  const stopped = held()
  const byStop = withDeadline(withInner({}, { stop }), stopped.work)
  stop.stop()
  await expect(byStop).rejects.toMatchObject({ code: 'CANCELLED' })
  expect(stopped.scope().isStopped).toBe(true)
  expect(stopped.scope().signal.reason).toMatchObject({ code: 'CANCELLED' })

  const controller = new AbortController()
  const aborted = held()
  const bySignal = withDeadline(withInner({ signal: controller.signal }, { stop: new Stop() }), aborted.work)
  controller.abort(new Error('enough'))
  await expect(bySignal).rejects.toMatchObject({ code: 'CANCELLED', cause: new Error('enough') })
  expect(aborted.scope().isStopped).toBe(true)

  const late = held()
  await expect(withDeadline({ timeoutMs: 5 }, late.work)).rejects.toMatchObject({ code: 'TIMEOUT' })
  expect(late.scope().isStopped).toBe(true)
})

test('a deadline counts from the arrival of the call, for all of its parts together', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const options = withInner({ timeoutMs: 100 }, { arrivedMs: performance.now() })
  vi.advanceTimersByTime(60)
  const first = held()
  const call = withDeadline(options, first.work)
  vi.advanceTimersByTime(39)
  first.finish('done')
  expect(await call).toBe('done')
  const second = held()
  const late = expect(withDeadline(options, second.work)).rejects.toMatchObject({
    code: 'TIMEOUT',
    message: 'the call took longer than its timeout of 100 ms',
  })
  vi.advanceTimersByTime(1)
  await late
  const never = vi.fn(() => 'done')
  expect(() => withDeadline(options, never)).toThrow(expect.objectContaining({ code: 'TIMEOUT' }))
  expect(never).not.toHaveBeenCalled()
})

test('what takes as long as it takes has a deadline only where the caller names one', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const long = held()
  const call = untilDone(withInner({}, { defaultTimeoutMs: 5 }), long.work)
  const bounded = expect(untilDone({ timeoutMs: 5 }, held().work)).rejects.toMatchObject({ code: 'TIMEOUT' })
  vi.advanceTimersByTime(LIMITS.maxTimeoutMs)
  await bounded
  long.finish('done')
  expect(await call).toBe('done')
  expect(() => untilDone({ timeoutMs: LIMITS.maxTimeoutMs + 1 }, () => 'done')).toThrow(/^timeoutMs: expected/)
})

test('a call that has ended is not told of a later stop', async () => {
  const stop = new Stop()
  const { work, finish, scope } = held()
  const call = withDeadline(withInner({}, { stop }), work)
  finish('done')
  expect(await call).toBe('done')
  stop.stop()
  expect(scope().isStopped).toBe(false)
})

test('if one part of a call fails, its other parts are cancelled', async () => {
  const scopes: CallScope[] = []
  const failing = (scope: CallScope): Promise<string> => {
    scopes.push(scope)
    return Promise.reject(new Error('a part failed'))
  }
  await expect(withDeadline({}, failing)).rejects.toThrow('a part failed')
  expect(() =>
    withDeadline({}, (scope) => {
      scopes.push(scope)
      throw new Error('a part failed at once')
    }),
  ).toThrow('a part failed at once')
  expect(scopes.map(({ isStopped }) => isStopped)).toEqual([true, true])
})
