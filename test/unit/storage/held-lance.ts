import type { Lance, LanceConnection } from '../../../src/storage/lance-native.js'
import type { TableHome } from '../../../src/storage/table-home.js'

type Replaced = (target: Lance, args: unknown[]) => Promise<unknown>

/** The home of a table whose handles run `replaced` in place of `method`. */
function replacing(home: TableHome, method: keyof Lance, replaced: Replaced): TableHome {
  const held = (lance: Lance): Lance =>
    new Proxy(lance, {
      get(target, name) {
        const value = target[name as keyof Lance] as unknown
        if (typeof value !== 'function') return value
        return name === method ? async (...args: unknown[]) => await replaced(target, args) : value.bind(target)
      },
    })
  const connect = async (): Promise<LanceConnection> => {
    const connection = await home.connect()
    return {
      openTable: async (...args) => held(await connection.openTable(...args)),
      createEmptyTable: async (...args) => held(await connection.createEmptyTable(...args)),
    }
  }
  return { ...home, connect }
}

/** The home of a table that runs `before` right before each call of `method` on a handle of it. */
export function holding(home: TableHome, method: keyof Lance, before: () => Promise<unknown>): TableHome {
  return replacing(home, method, async (target, args) => {
    await before()
    return await (target[method] as (...args: unknown[]) => unknown).apply(target, args)
  })
}

/**
 * The home of a table whose handles run `between` once they have restored a version, and look for the newest one then.
 * Lance looks for it within the same call, where nothing can be held.
 */
export function restoring(home: TableHome, between: () => Promise<unknown>): TableHome {
  return replacing(home, 'restore', async (target) => {
    await target.restore()
    await between()
    await (target as Lance & { checkoutLatest(): Promise<void> }).checkoutLatest()
  })
}
