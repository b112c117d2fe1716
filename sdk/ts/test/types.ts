// Compiled, not run: what the types allow and what they do not.
import {Gaff, type Rows} from '../dist/index.js';

interface Board {
  topUsers(n: number): Promise<string[]>;
}

interface Customer {
  name: string;
  age: number;
}

export async function types(gaff: Gaff): Promise<void> {
  const users: string[] = await gaff.redis<Board>().topUsers(10);
  // @ts-expect-error the argument is a number
  await gaff.redis<Board>().topUsers('10');
  // @ts-expect-error there is no such method
  await gaff.redis<Board>().others();
  await gaff.redis().anything(users, 1);
  const rows: Rows<{n: number}, {name: string}> = await gaff.postgres().query<{n: number}>('select 1 n');
  const field: string | undefined = (await gaff.mysql().query('select 1')).fields[0];
  const customers = gaff.collection<Customer>('customer');
  const ann = await customers.create({name: 'Ann', age: 41});
  const id: string = ann._id;
  await customers.update(id, {age: 42});
  // @ts-expect-error age is missing
  await customers.create({name: 'Ann'});
  const all: Customer[] = await customers.create([{name: field ?? '', age: rows.rows.length}]);
  await gaff.events.publish('payments', 'send', 'after', {message: all});
  // @ts-expect-error not a phase that is published
  await gaff.events.publish('payments', 'send', 'before');
}
