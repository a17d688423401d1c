import type { Lance, LanceConnection } from '../../../src/storage/lance-native.js'
import type { TableHome } from '../../../src/storage/table-home.js'

/** The home of a table that runs `before` right before each call of `method` on a handle of it. */
export function holding(home: TableHome, method: keyof Lance, before: () => Promise<unknown>): TableHome {
  const held = (lance: Lance): Lance =>
    new Proxy(lance, {
      get(target, name) {
        const value = target[name as keyof Lance] as unknown
        if (typeof value !== 'function') return value
        if (name !== method) return value.bind(target)
        return async (...args: unknown[]) => {
          await before()
          return await value.apply(target, args)
        }
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
