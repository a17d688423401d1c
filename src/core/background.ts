const TICK_MS = 500

/** Work that is done in many small steps, each of which reports its own failures. */
export type Recurring = () => Promise<void>

/** One timer for the background work of the process. A piece of work whose step is still running is passed over. */
export class Background {
  readonly #work = new Map<Recurring, { isRunning: boolean }>()
  #timer: NodeJS.Timeout | null = null

  add(work: Recurring): void {
    this.#work.set(work, { isRunning: false })
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref()
  }

  remove(work: Recurring): void {
    this.#work.delete(work)
    if (this.#work.size > 0 || !this.#timer) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  #tick(): void {
    for (const [work, state] of this.#work) {
      if (state.isRunning) continue
      state.isRunning = true
      work()
        .catch(() => undefined)
        .finally(() => {
          state.isRunning = false
        })
    }
  }
}

export const background = new Background()
