drop table if exists login_links;
