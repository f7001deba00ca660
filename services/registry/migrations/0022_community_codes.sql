-- One code for one community, that of the area tree (kalasin:rimpao): cards kept by a municipality's own code, or by a
-- name that the tree knows, are of it as well. Official codes are digits alone.
update community_entry set community = area || ':' || community
where community ~ '^[a-z0-9][a-z0-9_-]{0,39}$' and community !~ '^[0-9]+$';
update community_entry e set community = n.code from area_node n
where n.area = e.area and e.community in (n.th, n.en) and n.kind <> 'village'
  and not exists (select from area_node o where o.area = n.area and o.code <> n.code and o.kind <> 'village'
                  and e.community in (o.th, o.en));
