-- depends: 0042.firmware_changes
--
-- How far each project's feed has come: the last number that was given, and the first that is still kept.
--
-- Who numbers holds the project's row until the commit, so a number becomes visible after all that are lower, and a reader
-- that remembers the last number can neither skip nor repeat a change, however late it was committed. The row is made when a
-- project's first change gets its number. Its foreign key lets no row appear while a project is deleted.
create table if not exists firmware_feeds (
    project_id   uuid   not null,
    last_number  bigint not null default 0,
    first_number bigint not null default 1,
    constraint firmware_feeds_pkey primary key (project_id),
    constraint firmware_feeds_project_id_fkey foreign key (project_id) references projects (id)
);
