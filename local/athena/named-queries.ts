import type { Cloud, Json } from '../cloud.ts';
import { type Operations, operation } from '../operations.ts';
import type { AthenaState, NamedQuery } from './athena-state.ts';
import { invalidRequest } from './errors.ts';
import { pageOf } from './page.ts';
import { workGroupOf } from './work-groups.ts';

export function namedQueryOperations(state: AthenaState, cloud: Cloud): Operations {
  const find = (id: unknown): NamedQuery => {
    const found = state.namedQueries.get(String(id));
    if (found === undefined) throw invalidRequest(`NamedQuery ${id} is not found`);
    return found;
  };
  return {
    CreateNamedQuery: operation(
      ['Name', 'Description', 'Database', 'QueryString', 'ClientRequestToken', 'WorkGroup'],
      (input) => {
        for (const name of ['Name', 'Database', 'QueryString']) {
          if (typeof input[name] !== 'string' || input[name] === '') throw invalidRequest(`${name} is required`);
        }
        const token: string | undefined = input.ClientRequestToken;
        const earlier = [...state.namedQueries.values()].find((query) => token !== undefined && query.token === token);
        if (earlier !== undefined) {
          if (earlier.query !== input.QueryString || earlier.name !== input.Name)
            throw invalidRequest('Idempotent parameters do not match');
          return { NamedQueryId: earlier.id };
        }
        const id = cloud.kernel.random.uuid();
        state.namedQueries.set(id, {
          id,
          name: input.Name,
          description: input.Description,
          database: input.Database,
          query: input.QueryString,
          workGroup: workGroupOf(state, input.WorkGroup).name,
          token,
        });
        state.save();
        return { NamedQueryId: id };
      },
    ),
    UpdateNamedQuery: operation(['NamedQueryId', 'Name', 'Description', 'QueryString'], (input) => {
      const old = find(input.NamedQueryId);
      state.namedQueries.set(old.id, {
        ...old,
        name: input.Name ?? old.name,
        description: input.Description ?? old.description,
        query: input.QueryString ?? old.query,
      });
      state.save();
      return {};
    }),
    GetNamedQuery: operation(['NamedQueryId'], (input) => ({ NamedQuery: describe(find(input.NamedQueryId)) })),
    BatchGetNamedQuery: operation(['NamedQueryIds'], (input) => {
      const ids: string[] = input.NamedQueryIds ?? [];
      return {
        NamedQueries: ids.filter((id) => state.namedQueries.has(id)).map((id) => describe(find(id))),
        UnprocessedNamedQueryIds: ids
          .filter((id) => !state.namedQueries.has(id))
          .map((id) => ({
            NamedQueryId: id,
            ErrorCode: 'INVALID_INPUT',
            ErrorMessage: `NamedQuery ${id} is not found`,
          })),
      };
    }),
    ListNamedQueries: operation(['WorkGroup', 'NextToken', 'MaxResults'], (input) => {
      const { name } = workGroupOf(state, input.WorkGroup);
      const ids = [...state.namedQueries.values()].filter((query) => query.workGroup === name).map((query) => query.id);
      const { items, token } = pageOf(ids, input, 50);
      return { NamedQueryIds: items, ...token };
    }),
    DeleteNamedQuery: operation(['NamedQueryId'], (input) => {
      state.namedQueries.delete(find(input.NamedQueryId).id);
      state.save();
      return {};
    }),
  };
}

const describe = (query: NamedQuery): Json => ({
  NamedQueryId: query.id,
  Name: query.name,
  ...(query.description !== undefined && { Description: query.description }),
  Database: query.database,
  QueryString: query.query,
  WorkGroup: query.workGroup,
});
