-- depends: 0003_merge
-- What every column of the CRM holds, for whoever opens the tables without our documentation.

do $comments$
declare
    described record;
begin
    for described in
        with texts (table_name, column_name, comment) as (
            values
            -- of all tables
            ('*', 'user_account_id', 'The portal (user_accounts.id).'),
            ('*', 'id', 'Id in the portal.'),
            ('*', 'custom_fields', 'Custom fields (UF_*) under the portal''s own names, as they came.'),
            ('*', 'extra', 'Fields without a column of their own, and values that did not fit their column.'),
            ('*', 'loaded_at', 'When this row was stored or changed here last.'),
            ('*', 'deleted_at', 'When it was found to be gone from the portal; null while it is there.'),
            ('*', 'entity_type', 'lead or deal.'),
            ('*', 'category_id', 'Pipeline; 0 is the default one, and the only one of leads.'),
            ('*', 'title', 'Title.'),
            ('*', 'name', 'First name.'),
            ('*', 'second_name', 'Patronymic or middle name.'),
            ('*', 'last_name', 'Last name.'),
            ('*', 'honorific', 'Form of address; a code of the directory HONORIFIC.'),
            ('*', 'post', 'Position in the company.'),
            ('*', 'birthdate', 'Date of birth.'),
            ('*', 'comments', 'Comment; may hold BB code or HTML.'),
            ('*', 'opened', 'Whether everybody in the portal may see it.'),
            ('*', 'source_id', 'Where it came from; a code of the directory SOURCE.'),
            ('*', 'source_description', 'About the source, in words.'),
            ('*', 'opportunity', 'Amount, in currency_id.'),
            ('*', 'currency_id', 'Currency of the amounts in this row.'),
            ('*', 'is_manual_opportunity', 'Whether the amount was typed in rather than summed up from products.'),
            ('*', 'is_return_customer', 'Whether it is of a customer who has bought before.'),
            ('*', 'assigned_by_id', 'User responsible.'),
            ('*', 'created_by_id', 'User who created it.'),
            ('*', 'modify_by_id', 'User who changed it last.'),
            ('*', 'moved_by_id', 'User who moved it into its present stage.'),
            ('*', 'moved_time', 'When it was moved into its present stage.'),
            ('*', 'last_activity_by', 'User of the last activity.'),
            ('*', 'last_activity_time', 'When the last activity was.'),
            ('*', 'date_create', 'When it was created in the portal.'),
            ('*', 'date_modify', 'When it was changed in the portal last.'),
            ('*', 'lead_id', 'The lead that it was made from.'),
            ('*', 'contact_id', 'Its main contact.'),
            ('*', 'company_id', 'Its company.'),
            ('*', 'has_phone', 'Whether it has a phone.'),
            ('*', 'has_email', 'Whether it has an e-mail address.'),
            ('*', 'has_imol', 'Whether it has a messenger of an open channel.'),
            ('*', 'phones', 'Phones: list of {ID, VALUE_TYPE, VALUE, TYPE_ID}; null if none.'),
            ('*', 'emails', 'E-mail addresses, as phones.'),
            ('*', 'webs', 'Web addresses, as phones.'),
            ('*', 'ims', 'Messengers, as phones.'),
            ('*', 'links', 'Links to users of open channels, as phones.'),
            ('*', 'address', 'Street and house.'),
            ('*', 'address_2', 'Flat or office.'),
            ('*', 'address_city', 'City.'),
            ('*', 'address_postal_code', 'Postal code.'),
            ('*', 'address_region', 'District.'),
            ('*', 'address_province', 'Region.'),
            ('*', 'address_country', 'Country.'),
            ('*', 'address_country_code', 'Code of the country.'),
            ('*', 'address_loc_addr_id', 'Id of the address in the portal''s location service.'),
            ('*', 'originator_id', 'Id of the outer system that brought it.'),
            ('*', 'origin_id', 'Its id in that system.'),
            ('*', 'origin_version', 'Its version in that system.'),
            ('*', 'utm_source', 'UTM mark: advertising system.'),
            ('*', 'utm_medium', 'UTM mark: kind of traffic.'),
            ('*', 'utm_campaign', 'UTM mark: campaign.'),
            ('*', 'utm_content', 'UTM mark: content, often the creative.'),
            ('*', 'utm_term', 'UTM mark: key word.'),
            -- leads
            ('bitrix24_leads', 'company_title', 'Name of the company, as text.'),
            ('bitrix24_leads', 'status_id', 'Stage; a code of the directory STATUS.'),
            ('bitrix24_leads', 'status_description', 'About the stage, in words.'),
            ('bitrix24_leads', 'status_semantic_id', 'P in progress, S success, F failure.'),
            ('bitrix24_leads', 'date_closed', 'When it came to a final stage.'),
            -- deals
            ('bitrix24_deals', 'type_id', 'Kind of deal; a code of the directory DEAL_TYPE.'),
            ('bitrix24_deals', 'stage_id', 'Stage; a code of the directory DEAL_STAGE or DEAL_STAGE_n of its pipeline.'),
            ('bitrix24_deals', 'stage_semantic_id', 'P in progress, S success, F failure.'),
            ('bitrix24_deals', 'is_new', 'Whether it is in its first stage.'),
            ('bitrix24_deals', 'is_recurring', 'Whether it is the template of recurring deals, and so no deal itself.'),
            ('bitrix24_deals', 'is_repeated_approach', 'Whether the customer has asked again.'),
            ('bitrix24_deals', 'probability', 'Probability of success in percent.'),
            ('bitrix24_deals', 'tax_value', 'Tax, in currency_id.'),
            ('bitrix24_deals', 'quote_id', 'The quote that it was made from.'),
            ('bitrix24_deals', 'begindate', 'Day of the beginning.'),
            ('bitrix24_deals', 'closedate', 'Day of the end, as people plan or edit it; often in the future.'),
            ('bitrix24_deals', 'closed', 'Whether it is in a final stage.'),
            ('bitrix24_deals', 'additional_info', 'More about it, as text.'),
            ('bitrix24_deals', 'location_id', 'Location.'),
            -- contacts and companies
            ('bitrix24_contacts', 'photo', 'Photo: id and links, without access tokens.'),
            ('bitrix24_contacts', 'type_id', 'Kind of contact; a code of the directory CONTACT_TYPE.'),
            ('bitrix24_contacts', 'export', 'Whether it takes part in exports.'),
            ('bitrix24_companies', 'company_type', 'Kind of company; a code of the directory COMPANY_TYPE.'),
            ('bitrix24_companies', 'logo', 'Logo: id and links, without access tokens.'),
            ('bitrix24_companies', 'industry', 'Industry; a code of the directory INDUSTRY.'),
            ('bitrix24_companies', 'employees', 'Number of employees; a code of the directory EMPLOYEES.'),
            ('bitrix24_companies', 'revenue', 'Revenue a year, in currency_id.'),
            ('bitrix24_companies', 'banking_details', 'Banking details, as text.'),
            ('bitrix24_companies', 'is_my_company', 'Whether it is one of the portal''s own companies.'),
            ('bitrix24_companies', 'last_communication_time', 'When it was last in touch, as the portal writes it.'),
            ('bitrix24_companies', 'address_legal', 'Legal address in one line.'),
            ('bitrix24_companies', 'reg_address', 'Legal address: street and house.'),
            ('bitrix24_companies', 'reg_address_2', 'Legal address: flat or office.'),
            ('bitrix24_companies', 'reg_address_city', 'Legal address: city.'),
            ('bitrix24_companies', 'reg_address_postal_code', 'Legal address: postal code.'),
            ('bitrix24_companies', 'reg_address_region', 'Legal address: district.'),
            ('bitrix24_companies', 'reg_address_province', 'Legal address: region.'),
            ('bitrix24_companies', 'reg_address_country', 'Legal address: country.'),
            ('bitrix24_companies', 'reg_address_country_code', 'Legal address: code of the country.'),
            ('bitrix24_companies', 'reg_address_loc_addr_id', 'Legal address: its id in the portal''s location service.'),
            -- users
            ('bitrix24_users', 'active', 'False once the user was dismissed.'),
            ('bitrix24_users', 'email', 'E-mail address.'),
            ('bitrix24_users', 'work_position', 'Position.'),
            ('bitrix24_users', 'user_type', 'employee, extranet, email and so on.'),
            ('bitrix24_users', 'uf_department', 'Ids of the departments, a list.'),
            -- fields
            ('bitrix24_fields', 'entity_type', 'lead, deal, contact or company.'),
            ('bitrix24_fields', 'field_name', 'The portal''s name of the field.'),
            ('bitrix24_fields', 'field_type', 'The portal''s type: string, enumeration, crm_status, date and so on.'),
            ('bitrix24_fields', 'label', 'What people see.'),
            ('bitrix24_fields', 'is_multiple', 'Whether it holds a list.'),
            ('bitrix24_fields', 'is_required', 'Whether it must be filled.'),
            ('bitrix24_fields', 'is_read_only', 'Whether the portal fills it by itself.'),
            ('bitrix24_fields', 'is_custom', 'Whether people of the portal have added it (UF_*).'),
            ('bitrix24_fields', 'status_type', 'Directory of its codes, of type crm_status.'),
            ('bitrix24_fields', 'enumeration_values', 'Options of an enumeration: list of {id, value, ...}.'),
            ('bitrix24_fields', 'portal_field_id', 'Id of a custom field.'),
            -- directories
            ('bitrix24_statuses', 'directory', 'ENTITY_ID of the directory: SOURCE, DEAL_TYPE, STATUS, DEAL_STAGE_4 and so on.'),
            ('bitrix24_statuses', 'status_id', 'Code, unique within the directory.'),
            ('bitrix24_statuses', 'name', 'What people see.'),
            ('bitrix24_statuses', 'sort', 'Place in the order.'),
            ('bitrix24_statuses', 'color', 'Colour of a stage.'),
            ('bitrix24_statuses', 'semantics', 'process, success or failure; null where it is no stage.'),
            ('bitrix24_pipelines', 'id', 'Key, the same over all syncs.'),
            ('bitrix24_pipelines', 'name', 'Name of the pipeline; null for that of leads.'),
            ('bitrix24_pipelines', 'sort', 'Place in the order.'),
            ('bitrix24_pipelines', 'is_default', 'Whether it is the portal''s default pipeline.'),
            ('bitrix24_pipeline_stages', 'id', 'Key, the same over all syncs.'),
            ('bitrix24_pipeline_stages', 'category_name', 'Name of the pipeline; null for that of leads.'),
            ('bitrix24_pipeline_stages', 'status_id', 'Code of the stage, unique within its pipeline.'),
            ('bitrix24_pipeline_stages', 'status_name', 'What people see.'),
            ('bitrix24_pipeline_stages', 'status_color', 'Colour.'),
            ('bitrix24_pipeline_stages', 'status_sort', 'Place in the pipeline.'),
            ('bitrix24_pipeline_stages', 'status_semantics', 'process, success or failure, as the portal says.'),
            ('bitrix24_pipeline_stages', 'is_qualified_stage', 'The user''s flag: who is here is qualified.'),
            ('bitrix24_pipeline_stages', 'is_success_stage', 'The user''s flag; set by the semantics when the stage appears.'),
            ('bitrix24_pipeline_stages', 'is_fail_stage', 'The user''s flag; set by the semantics when the stage appears.')
        )

        select distinct on (c.oid, a.attnum)
            c.relname,
            a.attname,
            t.comment
        from pg_class as c
        inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
        inner join texts as t on a.attname = t.column_name and t.table_name in (c.relname, '*')
        where
            c.relnamespace = 'public'::regnamespace
            and c.relname in (
                'bitrix24_leads', 'bitrix24_deals', 'bitrix24_contacts', 'bitrix24_companies', 'bitrix24_users',
                'bitrix24_fields', 'bitrix24_statuses', 'bitrix24_pipelines', 'bitrix24_pipeline_stages'
            )
        -- a table's own text goes before the common one
        order by c.oid asc, a.attnum asc, t.table_name = '*' asc
    loop
        execute format(
            'comment on column %I.%I is %L', described.relname, described.attname, described.comment
        );
    end loop;
end;
$comments$;
