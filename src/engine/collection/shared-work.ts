import { VicinalError } from '../../core/errors.js'
import { Stop, type Stoppable } from '../../core/stop.js'

interface Running<T> {
  readonly done: Promise<T>
  readonly stop: Stop
  waiting: number
}

/** Long work that equal calls share while it runs. It is stopped when no call waits for it any more. */
export class SharedWork<T> {
  readonly #running = new Map<string, Running<T>>()

  /** Resolves as the work of this key does; it begins unless it runs. The caller's stop only ends its own wait. */
  async share(key: string, caller: Stoppable, start: (stop: Stoppable) => Promise<T>): Promise<T> {
    const running = this.#running.get(key) ?? this.#start(key, start)
    running.waiting++
    const leave = () => {
      running.waiting--
      if (running.waiting === 0) running.stop.stop(new VicinalError('CANCELLED', 'nobody waits for the work'))
    }
    caller.onStop(leave)
    try {
      return await running.done
    } finally {
      caller.offStop(leave)
    }
  }

  #start(key: string, start: (stop: Stoppable) => Promise<T>): Running<T> {
    const stop = new Stop()
    const done = start(stop).finally(() => {
      if (this.#running.get(key)?.done === done) this.#running.delete(key)
    })
    done.catch(() => undefined)
    const running = { done, stop, waiting: 0 }
    this.#running.set(key, running)
    // A call that comes after the last one has left begins anew.
    stop.onStop(() => {
      if (this.#running.get(key) === running) this.#running.delete(key)
    })
    return running
  }

  /** Stops all work, and resolves when it has ended. */
  async stop(): Promise<void> {
    const all = [...this.#running.values()]
    for (const { stop } of all) stop.stop(new VicinalError('CLOSED', 'the collection is closed'))
    await Promise.allSettled(all.map(({ done }) => done))
  }
}
